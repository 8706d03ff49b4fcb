"""Translation validation of CUDA kernels against ONNX graphs."""

__version__ = "0.1.0"
