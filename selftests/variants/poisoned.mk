# SPDX-License-Identifier: GPL-2.0
# What a function does not initialise on its stack holds 0xfe, whatever the kernel was configured to fill it with: see
# selftests/leaks.c.
ccflags-y += $(call cc-option,-ftrivial-auto-var-init=pattern)
