"""Networks at work: ONNX Runtime, model files and their cards, detectors, the classifier, the pipeline of
both."""
