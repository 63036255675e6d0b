// SPDX-License-Identifier: GPL-2.0
#include <linux/atomic.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm_types.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "../uapi/sshobs.h"
#include "environ.h"

#define BYTES_MAX	SZ_16M

static atomic_long_t bytes;

/* Of one that does not fit, the whole variables. */
static size_t whole_variables(const char *data, size_t len)
{
	while (len && data[len - 1])
		len--;
	return len;
}

struct sshobs_environ *sshobs_environ_new(void)
{
	const struct mm_struct *mm = current->mm;
	const size_t total = mm->env_end - mm->env_start;
	const size_t len = min_t(size_t, total, SSHOBS_ENVIRON_MAX);
	/* No slab that it may come from has larger objects. */
	const size_t size = roundup_pow_of_two(sizeof(struct sshobs_environ) + len);
	struct sshobs_environ *given;

	if (atomic_long_add_return(size, &bytes) > BYTES_MAX)
		goto uncount_bytes;
	given = kmalloc(size, GFP_NOWAIT | __GFP_NOWARN);
	if (!given)
		goto uncount_bytes;
	/* The kernel has just written it: it is there, but for extreme thrift. */
	if (copy_from_user_nofault(given->data, (void __user *)mm->env_start, len))
		goto free_given;
	given->size = size;
	given->cut = total > len;
	given->len = given->cut ? whole_variables(given->data, len) : len;
	refcount_set(&given->users, 1);
	return given;

free_given:
	kfree(given);
uncount_bytes:
	atomic_long_sub(size, &bytes);
	return NULL;
}

struct sshobs_environ *sshobs_environ_get(struct sshobs_environ *given)
{
	return given && refcount_inc_not_zero(&given->users) ? given : NULL;
}

void sshobs_environ_put(struct sshobs_environ *given)
{
	if (!given || !refcount_dec_and_test(&given->users))
		return;
	atomic_long_sub(given->size, &bytes);
	kfree_rcu(given, rcu);
}
