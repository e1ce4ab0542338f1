//! The health model's invariants, each a property over random histories. I5 and I6 stand beside the
//! figures, I9 stands beside the budget, I14's
//! packing beside the standing; I16 and I17 belong to the prober and the data plane.

mod admission;
mod evidence;
mod outage;
mod rig;
mod routing;
mod siblings;
mod timing;
