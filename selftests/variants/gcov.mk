# SPDX-License-Identifier: GPL-2.0
# Counts which of its lines ran, for a kernel with CONFIG_GCOV_KERNEL: see selftests/check-debug.
GCOV_PROFILE := y
# Counts of two builds can be added up only where the compiler had the same seed.
ccflags-y += -frandom-seed=sshobs
