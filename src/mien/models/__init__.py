"""Networks as PyTorch modules, for training; running one needs only ONNX Runtime (``mien.classify``)."""
