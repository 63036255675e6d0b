# SPDX-License-Identifier: GPL-2.0
# As gcov, with few slots at its return probes: a load allocates each of them, and so has some thousand points left at
# which it may fail instead of 14,000. See selftests/failnth.c.
include $(src)/selftests/variants/gcov.mk
CFLAGS_kmod/hooks.o += -include $(src)/selftests/variants/few.h
