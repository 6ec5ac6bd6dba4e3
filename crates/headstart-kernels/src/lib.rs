//! CPU convolution kernels: the only crate of the workspace with unsafe code.
