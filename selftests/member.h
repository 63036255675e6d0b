/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fixture of most tests: a plain server with one child, and the log of its
 * session. Included once by a program.
 */
#ifndef _SSHOBS_SELFTESTS_MEMBER_H
#define _SSHOBS_SELFTESTS_MEMBER_H

#include <sys/ioctl.h>

#include "expect.h"

static inline struct sshobs_stats stats_of(struct __test_metadata *_metadata, int fd)
{
	struct sshobs_stats stats = {};

	EXPECT_EQ(0, ioctl(fd, SSHOBS_IOC_STATS, &stats));
	return stats;
}

/* A plain server with one child; each test gives the child its part. */
FIXTURE(member) {
	struct log	log;
	pid_t		server;
	int		client;
	int		release;
	uint64_t	session;
};

FIXTURE_SETUP(member)
{
	clean_start();
	ASSERT_EQ(0, module_want(PORTS));
	ASSERT_TRUE(log_open(&self->log));
}

FIXTURE_TEARDOWN(member)
{
	EXPECT_TRUE(log_is_text_of_device(&self->log));
	if (!_metadata->passed)
		log_print(&self->log, self->session);
	log_close(&self->log);
}

/*
 * Let a child play its part, and have its whole session in the log, without a word of what
 * else that has to have.
 */
static inline void let(struct __test_metadata *_metadata, FIXTURE_DATA(member) *self,
		       void (*child)(int sock))
{
	part = child;
	self->release = scene_start(AF_INET, serve_part, &self->server);
	ASSERT_LE(0, self->release);
	self->client = connect_to(AF_INET, PORT, &scene->conn[0].port);
	ASSERT_LE(0, self->client);
	ASSERT_EQ(1, read_byte(self->client));
	close(self->client);
	ASSERT_EQ(0, wait_for(self->server));
	close(self->release);
	self->session = log_wait_session(&self->log, scene->conn[0].port);
	ASSERT_NE(0ULL, self->session);
	ASSERT_NE(NULL, log_wait(&self->log, IN(SSHOBS_END, self->session)));
	ASSERT_EQ(3, scene->member[0].code) TH_LOG("the child failed in its part");
}

/* The same, for a child whose whole family is enlisted. */
static inline void play(struct __test_metadata *_metadata, FIXTURE_DATA(member) *self,
			void (*child)(int sock))
{
	let(_metadata, self, child);
	expect_session(_metadata, &self->log, self->session, 0, AF_INET, PORT);
}

static inline size_t count_of(FIXTURE_DATA(member) *self, unsigned int type)
{
	return log_count(&self->log, IN(type, self->session));
}

/* The nth body of a type. */
static inline const void *nth(FIXTURE_DATA(member) *self, unsigned int type, size_t n)
{
	ssize_t i = -1;

	do {
		i = log_index(&self->log, IN(type, self->session), i + 1);
		if (i < 0)
			return NULL;
	} while (n--);
	return body(self->log.recs[i]);
}

static inline void expect_failed_exec(struct __test_metadata *_metadata, FIXTURE_DATA(member) *self,
				      size_t n, const char *path, int error)
{
	const struct sshobs_exec_fail *rec = nth(self, SSHOBS_EXEC_FAIL, n);

	ASSERT_NE(NULL, rec);
	EXPECT_EQ(error, (int)rec->error) TH_LOG("%s", path);
	EXPECT_EQ(strlen(path), rec->path_len) TH_LOG("%s", path);
	EXPECT_EQ(strlen(path), rec->path_total) TH_LOG("%s", path);
	EXPECT_EQ(0, memcmp(rec->data, path, rec->path_len))
		TH_LOG("%s: %.*s", path, rec->path_len, rec->data);
}

static inline void expect_failing(struct __test_metadata *_metadata, FIXTURE_DATA(member) *self)
{
	size_t i;

	EXPECT_EQ((size_t)FAILING, count_of(self, SSHOBS_EXEC_FAIL));
	for (i = 0; i < FAILING; i++)
		expect_failed_exec(_metadata, self, i, failing[i].path, failing[i].error);
}

#endif /* _SSHOBS_SELFTESTS_MEMBER_H */
