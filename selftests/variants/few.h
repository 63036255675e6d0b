/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For kmod/hooks.c. An expression and no function: what gcov counts has to be the same as in
 * the build without it.
 */
#include <linux/kprobes.h>

#define SLOTS_FEW	2

#define register_kretprobe(probe) (register_kretprobe)(((probe)->maxactive = SLOTS_FEW, (probe)))
