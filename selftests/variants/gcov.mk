# SPDX-License-Identifier: GPL-2.0
# Counts which of its lines ran, for a kernel with CONFIG_GCOV_KERNEL: see selftests/check-debug.
GCOV_PROFILE := y
