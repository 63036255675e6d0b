# SPDX-License-Identifier: GPL-2.0
# The module with bugs in it: each detector has to find its own. See selftests/variants/seeded/bugs.h.
include $(src)/selftests/variants/poisoned.mk
seeded := cdev environ record ring session
sshobs-y := $(filter-out $(seeded:%=kmod/%.o),$(sshobs-y)) $(seeded:%=selftests/variants/seeded/%.o)
sshobs-y += selftests/variants/seeded/bugs.o
