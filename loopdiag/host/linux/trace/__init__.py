"""What the kernel's tracepoints record of a probe's own packets: tracefs alone, no BPF, no kprobes."""
