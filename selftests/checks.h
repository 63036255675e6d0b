/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What judges: the harness, a main() that can pick tests, and the checks that
 * hold for every record. Included once by each program, after everything else.
 */
#ifndef _SSHOBS_SELFTESTS_CHECKS_H
#define _SSHOBS_SELFTESTS_CHECKS_H

#include <fnmatch.h>
#include <kselftest_harness.h>

#include "lib.h"

/* A test may wait for SECONDS more than once. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	(4 * SECONDS)

/* What a program does where another test executes it as "PROGRAM role:NAME ...". */
struct role {
	const char	*name;
	int		(*play)(int argc, char **argv);
};

/*
 * EXPECT_*() and ASSERT_*() are two statements each, so a body that is only one of
 * them has braces all the same.
 */

/* Numbers and times of a whole log: gapless, never falling. */
static inline void expect_stream_in_order(struct __test_metadata *_metadata, const struct log *log)
{
	size_t i;

	for (i = 1; i < log->count; i++) {
		EXPECT_EQ(log->recs[i - 1]->seq + 1, log->recs[i]->seq);
		EXPECT_LE(log->recs[i - 1]->time_ns, log->recs[i]->time_ns);
	}
}

/* A session's own numbers, from its first record on: 1, 2, 3 ... */
static inline void expect_session_gapless(struct __test_metadata *_metadata, const struct log *log,
					  uint64_t session)
{
	uint64_t next = 1;
	size_t i;

	for (i = 0; i < log->count; i++) {
		if (log->recs[i]->session != session)
			continue;
		EXPECT_EQ(next, log->recs[i]->session_seq);
		next = log->recs[i]->session_seq + 1;
	}
}

static inline void pick_tests(struct __fixture_metadata *fixture, const char *test,
			      const char *variant)
{
	struct __fixture_variant_metadata **v = &fixture->variant;
	struct __test_metadata **t = &fixture->tests;

	while (*t) {
		if (fnmatch(test, (*t)->name, FNM_EXTMATCH))
			*t = (*t)->next;
		else
			t = &(*t)->next;
	}
	while (*v) {
		if (fnmatch(variant, (*v)->name, FNM_EXTMATCH))
			*v = (*v)->next;
		else
			v = &(*v)->next;
	}
	/* A fixture without its variants must not run at all. */
	if (!fixture->variant && strcmp(variant, "*"))
		fixture->tests = NULL;
}

static inline int selftest_main(int argc, char **argv, const struct role *roles)
{
	const char *test = "*", *variant = "*";
	struct __fixture_metadata *fixture;
	int option;

	if (argc > 1 && !strncmp(argv[1], "role:", 5)) {
		for (; roles->name; roles++)
			if (!strcmp(argv[1] + 5, roles->name))
				return roles->play(argc, argv);
		return 127;
	}
	while ((option = getopt(argc, argv, "t:v:")) != -1) {
		if (option == 't') {
			test = optarg;
		} else if (option == 'v') {
			variant = optarg;
		} else {
			fprintf(stderr, "usage: %s [-t TEST] [-v VARIANT]\n", argv[0]);
			return KSFT_FAIL;
		}
	}
	for (fixture = __fixture_list; fixture; fixture = fixture->next)
		pick_tests(fixture, test, variant);
	setvbuf(stdout, NULL, _IOLBF, 0);
	return test_harness_run(argc, argv);
}

#define SELFTEST_MAIN(...)							\
	static const struct role selftest_roles[] = { __VA_ARGS__ { NULL, NULL } };	\
	int main(int argc, char **argv)						\
	{									\
		return selftest_main(argc, argv, selftest_roles);		\
	}

#endif /* _SSHOBS_SELFTESTS_CHECKS_H */
