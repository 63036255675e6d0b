/* SPDX-License-Identifier: GPL-2.0 */
/* /dev/sshobs: one cursor per open file; read, write, poll, lseek, ioctl. */
#ifndef _SSHOBS_CDEV_H
#define _SSHOBS_CDEV_H

#include "../uapi/sshobs.h"

/**
 * struct sshobs_cdev_source - what the device tells of but does not know itself
 * @stats: fill in what is counted, over zeroes
 * @probe: describe a probe; 0 or -ENOENT
 * @trial: call what is probed, and note which probes fire; 0, -ENOMEM or -EINTR
 * @mark: write a mark record; the text is @len bytes, 1 to SSHOBS_MARK_MAX
 */
struct sshobs_cdev_source {
	void	(*stats)(struct sshobs_stats *stats);
	int	(*probe)(struct sshobs_probe *probe);
	int	(*trial)(void);
	void	(*mark)(const char *text, size_t len);
};

/**
 * sshobs_cdev_init() - show the device
 * @source: what it tells of
 *
 * Context: may sleep. Return: 0 or the error of misc_register().
 */
int sshobs_cdev_init(const struct sshobs_cdev_source *source);

/**
 * sshobs_cdev_exit() - take the device away; no file is open
 *
 * Context: may sleep.
 */
void sshobs_cdev_exit(void);

#endif /* _SSHOBS_CDEV_H */
