// The table of one instruction set. Included last inside its namespace.

const Kernels kTable = {kIsa,         matmul, match,         quantize,    rms_norm,
                        add_rms_norm, rotate, gelu_multiply, soft_cap,    store_row,
                        attend,       merge,  finish,        exponential, hyperbolic_tangent};
