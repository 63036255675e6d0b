// SPDX-License-Identifier: GPL-2.0
/* kmod/cdev.c, whose answers may hold what its stack held. */
#include <linux/compat.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "bugs.h"

static void seeded_memset(void *at, int byte, size_t len)
{
	if (!sshobs_bug_byte)
		memset(at, byte, len);
}

#undef memset
#define memset seeded_memset
#include "../../../kmod/cdev.c"
