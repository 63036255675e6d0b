/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SSHOBS_VIEW_WATERFALL_H
#define _SSHOBS_VIEW_WATERFALL_H

#include "story.h"

/**
 * view_waterfall() - draw a login's phases and processes as bars, and its totals
 * @story: the login; it has phases
 * @all: also processes that took no time worth a mark
 *
 * Return: 0 or -ENOMEM.
 */
int view_waterfall(const struct story *story, bool all);

#endif /* _SSHOBS_VIEW_WATERFALL_H */
