/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SSHOBS_VIEW_LINES_H
#define _SSHOBS_VIEW_LINES_H

#include "options.h"
#include "stream.h"

/**
 * view_line() - print an event as the line that cat /dev/sshobs prints
 * @event: the event
 * @output: OUTPUT_SHORT, or OUTPUT_SHORT_ISO for the time of day
 */
void view_line(const struct event *event, enum output output);

#endif /* _SSHOBS_VIEW_LINES_H */
