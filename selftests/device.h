/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fixture of tests of the device itself: one open file, and what must not change
 * where a call is refused. Included once by a program.
 */
#ifndef _SSHOBS_SELFTESTS_DEVICE_H
#define _SSHOBS_SELFTESTS_DEVICE_H

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>

#include "checks.h"

#define PROBES_MAX	64

FIXTURE(device) {
	int			fd;	/* binary, with one mark before it */
	struct sshobs_info	info;
	struct sshobs_stats	stats;
};

FIXTURE_SETUP(device)
{
	clean_start();
	ASSERT_EQ(0, module_want(PORTS));
	self->fd = records_open_now(O_NONBLOCK);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(4, mark("mark", 4));
	ASSERT_EQ(0, ioctl(self->fd, SSHOBS_IOC_INFO, &self->info));
	ASSERT_EQ(0, ioctl(self->fd, SSHOBS_IOC_STATS, &self->stats));
}

FIXTURE_TEARDOWN(device)
{
	close(self->fd);
}

/* The format and all that is counted are as they were. */
static inline bool is_untouched(const FIXTURE_DATA(device) *self)
{
	struct sshobs_info info;
	struct sshobs_stats stats;

	return !ioctl(self->fd, SSHOBS_IOC_INFO, &info) &&
	       !ioctl(self->fd, SSHOBS_IOC_STATS, &stats) &&
	       self->info.abi == info.abi && self->info.format == info.format &&
	       self->info.next_seq == info.next_seq &&
	       self->info.oldest_seq == info.oldest_seq &&
	       !memcmp(&self->stats, &stats, sizeof(stats));
}

/* Failed calls left no trace: the same numbers, and the mark is still to be read. */
static inline void expect_untouched(struct __test_metadata *_metadata, FIXTURE_DATA(device) *self)
{
	char buf[SSHOBS_RECORD_MAX] __attribute__((aligned(8)));
	const struct sshobs_hdr *hdr = (void *)buf;

	EXPECT_TRUE(is_untouched(self));
	ASSERT_LT(0, read(self->fd, buf, sizeof(buf)));
	EXPECT_EQ(SSHOBS_MARK, hdr->type);
	EXPECT_EQ(self->info.next_seq - 1, hdr->seq);
}

/* Ask for all probes. Return how many there are. */
static inline size_t probes_read(int fd, struct sshobs_probe *probes)
{
	size_t n;

	for (n = 0; n < PROBES_MAX; n++) {
		probes[n] = (struct sshobs_probe){ .index = n };
		if (ioctl(fd, SSHOBS_IOC_PROBE, &probes[n]))
			break;
	}
	return n;
}

#endif /* _SSHOBS_SELFTESTS_DEVICE_H */
