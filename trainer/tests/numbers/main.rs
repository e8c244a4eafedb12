//! The numbers of others: public networks in Python, ONNX Runtime, scikit-learn, and PyTorch's files.

#[path = "../support/made_up.rs"]
mod made_up;
#[path = "../support/regions.rs"]
mod regions;

mod agreement;
mod clip;
mod int8;
mod likeness;
mod lite0;
mod metrics;
mod networks;
mod onnx;
mod pth;
