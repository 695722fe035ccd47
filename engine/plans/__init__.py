"""TensorRT plans: built from ONNX on the machine that runs them, kept in a private folder."""
