// SPDX-License-Identifier: GPL-2.0
/*
 * Snapshots and what is printed of them, under the address and undefined behaviour
 * sanitizers, with an ioctl of its own.
 *
 * inspect-unit: that no answer can make the reader look where it ends. TAP.
 * inspect-unit SCENE [PID] [all|json]: prints a scene as sshobs inspect would.
 */
#include <errno.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../userspace/inspect.h"
#include "../../userspace/term.h"
#include "fake-processes.h"

#define DEVICE 77

static const char *const scenes[] = { "openssh-8.4", "openssh-10", "dropbear",
				      "tmux",	     "left",	   "hostile" };

#define N_SCENES (sizeof(scenes) / sizeof(scenes[0]))

static unsigned int count, failed;
static int report;

static void result(bool good, const char *name)
{
	dprintf(report, "%sok %u - snapshot.c: %s\n", good ? "" : "not ", ++count, name);
	failed += !good;
}

/* --- inspect, as the command does it ------------------------------------------------ */

static int take_all(struct inspection *inspection)
{
	int err = 0, one;
	size_t i;

	for (i = 0; i < n_fakes; i++) {
		one = snapshot_take(&inspection->processes[inspection->n], DEVICE, fakes[i].pid,
				    SSHOBS_SNAPSHOT_ANY);
		inspection->n += !one;
		err = err ?: one;
	}
	return err;
}

/* Read all, and print it if it could be read. */
static int inspect(uint32_t pid, bool env_all, bool json)
{
	static const struct origin origin = {
		.host = "host",
		.boot_id = "00000000-0000-4000-8000-000000000001",
		.realtime_offset_ns = 1795339728000000000,
		.time_ns = 200000000000,
	};
	struct snapshot processes[FAKE_PROCESSES] = { 0 };
	struct inspection inspection = {
		.origin = &origin, .session = 7, .processes = processes, .pid = pid
	};
	int err = take_all(&inspection);
	struct links links;
	size_t i;

	if (links_find(&links, processes, inspection.n, FAKE_COOKIE))
		abort();
	if (json)
		view_inspect_json(&inspection, &links);
	else if (view_inspect(&inspection, &links, env_all))
		abort();
	links_free(&links);
	for (i = 0; i < inspection.n; i++)
		snapshot_free(&processes[i]);
	return err;
}

/* --- damaged answers ---------------------------------------------------------------- */

/* ESRCH: the start time in the first part was no longer that of the process. */
static bool can_be(int err)
{
	return !err || err == -EPROTO || err == -ESRCH;
}

/* One part of one process ends at each of its bytes. */
static bool cut(size_t process, size_t part)
{
	size_t whole = fakes[process].len[part];
	bool good = true;

	for (fakes[process].len[part] = 0; fakes[process].len[part] < whole;
	     fakes[process].len[part]++)
		good = good && can_be(inspect(0, true, false));
	return good && !inspect(0, true, true);
}

/* A number of 32 bits at each place becomes another one. */
static bool lie(size_t process, size_t part)
{
	static const uint32_t lies[] = { 0, 1, 7, 8, 136, 144, 0x7ffffff8, 0xfffffff8, 0xffffffff };
	bool good = true;
	size_t at, i;

	for (at = 0; at + 4 <= fakes[process].len[part]; at += 4) {
		unsigned char *bytes = fakes[process].bytes[part] + at;
		uint32_t truth;

		memcpy(&truth, bytes, 4);
		for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
			memcpy(bytes, &lies[i], 4);
			good = good && can_be(inspect(0, false, i % 2));
		}
		memcpy(bytes, &truth, 4);
	}
	return good;
}

static void damaged(const char *scene, bool (*damage)(size_t process, size_t part),
		    const char *what)
{
	char name[96];
	bool good = true;
	size_t i, part;

	if (fake_scene(scene))
		abort();
	for (i = 0; i < n_fakes; i++)
		for (part = 0; part < 2; part++)
			good = good && damage(i, part);
	snprintf(name, sizeof(name), "%s: answers with %s are refused or harmless", scene, what);
	result(good, name);
}

/* --- single answers ----------------------------------------------------------------- */

static int take(struct snapshot *snapshot)
{
	return snapshot_take(snapshot, DEVICE, 120, SSHOBS_SNAPSHOT_ANY);
}

static struct fake *bash(void)
{
	fake_scene("openssh-8.4");
	return &fakes[2];
}

static bool fails_with(int error)
{
	struct snapshot snapshot;

	return take(&snapshot) == error && !snapshot.task && !snapshot.buffers[0];
}

static bool strings(void)
{
	struct snapshot snapshot;
	const struct snapshot_fd *fd;
	bool good;

	bash();
	fake_scene("hostile");
	good = !take(&snapshot) && snapshot.fds_count == 8;
	fd = &snapshot.fds[6];
	good = good && !strcmp(snapshot.exe.data, "/usr/bin/bash") && fd->fd->fd == 258 &&
	       !strcmp(fd->path.data, "socket:[2]") && fd->local_name.len == 6 &&
	       !memcmp(fd->local_name.data, "\0ab\033\nc", 7) &&
	       !strcmp(fd->peer_name.data, "/\x9b/x");
	snapshot_free(&snapshot);
	return good;
}

static void answers(void)
{
	struct snapshot snapshot;
	bool good;

	bash()->again = 3;
	good = !take(&snapshot) && snapshot.fds_count == 4;
	snapshot_free(&snapshot);
	result(good, "EAGAIN is asked again");
	bash()->again = 1000000;
	result(fails_with(-EAGAIN), "but not for ever");
	bash()->grows = 3;
	good = !take(&snapshot) && snapshot.fds_count == 4;
	snapshot_free(&snapshot);
	result(good, "an answer that grows is read");
	bash();
	fake_forget();
	fake_scene("left");
	/* The newest one is the zombie; none of its descriptors is there yet. */
	fake_fds(4000);
	good = !snapshot_take(&snapshot, DEVICE, 160, SSHOBS_SNAPSHOT_ANY) &&
	       snapshot.fds_count == 4000 && snapshot.fds[3999].fd->fd == 3999;
	snapshot_free(&snapshot);
	result(good, "4000 descriptors are read");
	bash()->boast = 1 << 20;
	result(fails_with(-EPROTO), "more than there is room for is refused");
	bash()->error[SSHOBS_SNAPSHOT_FDS - 1] = ESRCH;
	result(fails_with(-ESRCH), "a process that ends meanwhile is gone");
	bash()->error[SSHOBS_SNAPSHOT_TASK - 1] = EPERM;
	result(fails_with(-EPERM), "EPERM");
	bash();
	good = !take(&snapshot) && !snapshot.exec_environ.data && snapshot.environ.len;
	snapshot_free(&snapshot);
	result(good, "without an environment of exec there is none");
	bash();
	result(snapshot_take(&snapshot, DEVICE, 120, 5) == -ESRCH, "another one's pid is none");
	result(strings(), "names are strings");
}

int main(int argc, char **argv)
{
	static const struct options options = { .color = COLOR_NEVER };
	size_t i;

	setlocale(LC_CTYPE, "C.UTF-8");
	term_init(&options);
	if (argc > 1) {
		const char *last = argv[argc - 1];
		int err = fake_scene(argv[1]) ?:
						inspect(argc > 2 ? (uint32_t)atoi(argv[2]) : 0,
					  !strcmp(last, "all"), !strcmp(last, "json"));

		fake_forget();
		return !!err;
	}
	report = dup(STDOUT_FILENO);
	if (!freopen("/dev/null", "w", stdout))
		return 1;
	answers();
	for (i = 0; i < N_SCENES; i++) {
		damaged(scenes[i], cut, "an end at each byte");
		damaged(scenes[i], lie, "numbers that lie");
	}
	fake_forget();
	dprintf(report, "1..%u\n", count);
	return !!failed;
}
