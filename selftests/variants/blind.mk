# SPDX-License-Identifier: GPL-2.0
# Sees no connection closed while it is told so: see selftests/stale.c.
sshobs-y := $(filter-out kmod/hooks_tcp.o,$(sshobs-y)) selftests/variants/blind.o
