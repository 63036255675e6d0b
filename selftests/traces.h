/* SPDX-License-Identifier: GPL-2.0 */
/* What there is in the kernel that a module can leave behind. */
#ifndef _SSHOBS_SELFTESTS_TRACES_H
#define _SSHOBS_SELFTESTS_TRACES_H

#include <stddef.h>

/**
 * struct traces - what was there at a time
 * @own: things that have the module's name, or an address of no module that is there
 * @functions: of the kernel, that somebody probes or traces
 * @areas: of vmalloc, but for stacks, which come and go
 * @slab_kb: in slabs that the kernel cannot give back
 * @percpu_kb: in variables of each processor
 * @text: all that was counted in @own and @functions, a line each
 */
struct traces {
	int	own;
	int	functions;
	int	areas;
	long	slab_kb;
	long	percpu_kb;
	char	*text;
};

void traces_read(struct traces *traces);
void traces_free(struct traces *traces);
/* What is there now, and was not before, in words that are to be freed; NULL: nothing. Waits
 * some seconds for what the kernel frees when it finds the time.
 */
char *traces_differ(const struct traces *before);

#endif /* _SSHOBS_SELFTESTS_TRACES_H */
