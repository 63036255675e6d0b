/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Marks, which any test can write, and what a reader makes of the stream. Included once
 * by a program.
 */
#ifndef _SSHOBS_SELFTESTS_MARKS_H
#define _SSHOBS_SELFTESTS_MARKS_H

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "checks.h"

/* Some text of a length. */
static inline const char *text_of(size_t len)
{
	static char text[SSHOBS_MARK_MAX + 1];

	memset(text, 'x', len);
	text[len] = '\0';
	return text;
}

static inline ssize_t mark_text(const char *text)
{
	return mark(text, strlen(text));
}

/* How long the record of a mark is. */
static inline size_t mark_len(size_t text_len)
{
	return (sizeof(struct sshobs_hdr) + sizeof(struct sshobs_mark) + text_len + 7) & ~7UL;
}

static inline bool is_mark(const struct sshobs_hdr *hdr, const char *text)
{
	const struct sshobs_mark *rec = body(hdr);

	return hdr->type == SSHOBS_MARK && rec->text_len == strlen(text) &&
	       !memcmp(rec->text, text, rec->text_len);
}

/* An open file in text format, behind the newest record. */
static inline int open_text_now(int flags)
{
	int fd = open(DEVICE, O_RDONLY | O_CLOEXEC | flags);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

static inline void set_format(struct __test_metadata *_metadata, int fd, __u32 format)
{
	ASSERT_EQ(0, ioctl(fd, SSHOBS_IOC_SET_FORMAT, &format));
}

static inline struct sshobs_info info_of(struct __test_metadata *_metadata, int fd)
{
	struct sshobs_info info;

	ASSERT_EQ(0, ioctl(fd, SSHOBS_IOC_INFO, &info));
	return info;
}

/**
 * struct account - what one reader has got
 * @next: number of the record that comes next if nothing is lost
 * @received: records
 * @lost: records that LOST told of
 * @losses: LOST records
 * @wrong: records and LOSTs that were not as they should be
 * @error: errno where read() failed, or -1 where it returned 0
 */
struct account {
	uint64_t	next;
	uint64_t	received;
	uint64_t	lost;
	uint64_t	losses;
	uint64_t	wrong;
	int		error;
};

static inline void account_for(struct account *account, const struct sshobs_hdr *hdr)
{
	if (hdr->seq != account->next)
		account->wrong++;
	if (hdr->type == SSHOBS_LOST) {
		const struct sshobs_lost *rec = body(hdr);

		account->losses++;
		account->lost += rec->count;
		account->next = hdr->seq + rec->count;
	} else {
		account->received++;
		account->next = hdr->seq + 1;
	}
}

#endif /* _SSHOBS_SELFTESTS_MARKS_H */
