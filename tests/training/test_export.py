"""Every network as an ONNX file of plain operators, with PyTorch's answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.inference.onnx_session import onnx_runtime
from mien.training.architectures import ARCHITECTURES, create_model

pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[train]'")
onnx = pytest.importorskip("onnx")

import torch  # noqa: E402

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("default"),
]  # torch warns about its own parts


class _Outputs(torch.nn.Module):
    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, faces: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(self.network(faces).values())


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_the_file_says_what_pytorch_says(name: str, tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = create_model(name, heads={"fer2013": 7, "ferplus": 8})
    if name != "spittlemeister":
        network.train()(torch.rand(4, 1, 48, 48) * 255)  # running statistics that are not 0 and 1
    network.eval()
    program = torch.onnx.export(
        _Outputs(network).eval(),
        (torch.zeros(2, 1, 48, 48),),
        input_names=["faces"],
        output_names=["fer2013", "ferplus"],
        dynamic_shapes={"faces": {0: torch.export.Dim("n", min=1)}},
        dynamo=True,
        verbose=False,
    )
    program.save(tmp_path / "network.onnx", external_data=False)
    model = onnx.load(tmp_path / "network.onnx")
    assert {node.domain for node in model.graph.node} <= {""}
    assert not model.functions
    session = onnx_runtime().InferenceSession(tmp_path / "network.onnx", providers=["CPUExecutionProvider"])
    for n in (1, 3):
        faces = np.random.default_rng(n).integers(0, 256, (n, 1, 48, 48)).astype(np.float32)
        with torch.no_grad():
            expected = network(torch.from_numpy(faces))
        for head, got in zip(
            ("fer2013", "ferplus"), session.run(["fer2013", "ferplus"], {"faces": faces}), strict=True
        ):
            np.testing.assert_allclose(got, expected[head].numpy(), atol=1e-4, rtol=1e-4)
