/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One bug of each kind, in the module's own code and in the way of its hooks: a file
 * of kmod/ is compiled with one of the kernel's functions replaced by what a mistake
 * would have made of it. Each is a parameter of the module, and none is on by itself.
 */
#ifndef _SSHOBS_VARIANTS_SEEDED_BUGS_H
#define _SSHOBS_VARIANTS_SEEDED_BUGS_H

#include <linux/types.h>

/* The environment's buffer is half as long as it has to be: slab-out-of-bounds in an exec. */
extern bool sshobs_bug_bounds;
/* A child shares its parent's environment without a reference: use after free at an exit. */
extern bool sshobs_bug_use;
/* An environment that nobody uses any more is never freed. */
extern bool sshobs_bug_leak;
/* The ring's lock and that of the tables are taken in both orders. */
extern bool sshobs_bug_order;
/* An allocation in a handler may wait for memory. */
extern bool sshobs_bug_sleep;
/* Readers look at the ring's head without a READ_ONCE(). */
extern bool sshobs_bug_race;
/* Neither a record's body nor the answer about a probe is zeroed before it is filled. */
extern bool sshobs_bug_byte;
/* A record has the address of a kernel object where a time should be. */
extern bool sshobs_bug_address;

#endif /* _SSHOBS_VARIANTS_SEEDED_BUGS_H */
