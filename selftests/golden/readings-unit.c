// SPDX-License-Identifier: GPL-2.0
/*
 * The readings of the live view, of processes that are made up: what becomes of them where one
 * fails, and what is left of a session that lives long. TAP; run it with ASan and UBSan.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../userspace/top_readings.h"
#include "fake-processes.h"

#define SESSION 7
#define SERVER	100
#define USER	110
#define SHELL	120
#define DEVICE	77

static int number, failed;
static struct model model;
static struct readings readings;
static struct session *session;

static void check(bool good, const char *name)
{
	number++;
	failed += !good;
	printf("%sok %d - readings: %s\n", good ? "" : "not ", number, name);
}

static uint64_t seq;

static void fold(unsigned int type, uint32_t pid, const void *body, const void *data)
{
	struct sshobs_hdr hdr = {
		.len = sizeof(hdr),
		.hdr_len = sizeof(hdr),
		.type = (uint16_t)type,
		.seq = seq + 1,
		.time_ns = 1000000000ULL * pid + seq,
		.session = SESSION,
		.session_seq = ++seq,
		.pid = pid,
		.comm = "sshd",
	};
	struct event event = { .hdr = &hdr, .body = body, .data = data };

	if (model_fold(&model, &event, &session))
		abort();
}

static void forks(uint32_t parent, uint32_t child)
{
	struct sshobs_clone clone = { .start_ns = 1000000000ULL * child, .child = child };

	fold(SSHOBS_CLONE, parent, &clone, NULL);
}

static void execs(uint32_t pid, const char *path)
{
	struct sshobs_exec exec = { .path_len = (uint32_t)strlen(path) };

	exec.path_total = exec.path_len;
	fold(SSHOBS_EXEC, pid, &exec, path);
}

static void exits(uint32_t pid)
{
	struct sshobs_exit exit = { .code = 0 };

	fold(SSHOBS_EXIT, pid, &exit, NULL);
}

static void logs_in(void)
{
	struct sshobs_accept accept = { .cookie = FAKE_COOKIE };

	model_init(&model, KEEP_NONE, false);
	readings = (struct readings){ .device = DEVICE };
	fake_scene("openssh-8.4");
	fold(SSHOBS_ACCEPT, 1, &accept, NULL);
	forks(1, SERVER);
	execs(SERVER, "/usr/sbin/sshd");
	forks(SERVER, USER);
	forks(USER, SHELL);
	execs(SHELL, "/bin/bash");
}

static void leaves(void)
{
	readings_free(&readings);
	model_free(&model);
	fake_forget();
}

static bool any(const struct session *one)
{
	(void)one;
	return true;
}

static const struct process_reading *reading_of(uint32_t pid)
{
	const struct process *process = model_find_process(session, pid);

	return process ? readings_of_process(&readings, process) : NULL;
}

static struct fake *fake_of(uint32_t pid)
{
	size_t i;

	for (i = 0; i < n_fakes; i++)
		if (fakes[i].pid == pid)
			return &fakes[i];
	abort();
}

static void fail_with(uint32_t pid, enum sshobs_snapshot_what what, int error)
{
	fake_of(pid)->error[what - 1] = error;
}

static int take(void)
{
	return readings_take(&readings, &model, any);
}

static void test_failures(void)
{
	const struct session_reading *socket;

	logs_in();
	check(take() == 0 && reading_of(SHELL) && reading_of(SHELL)->fds_soft == 1024,
	      "each process has one");
	socket = readings_of_session(&readings, session);
	check(socket && socket->has_tcp && socket->rtt_us == 12193, "and so has the connection");
	fail_with(SHELL, SSHOBS_SNAPSHOT_TASK, EAGAIN);
	fail_with(SERVER, SSHOBS_SNAPSHOT_FDS, EAGAIN);
	check(take() == 0 && reading_of(SHELL) && reading_of(SHELL)->fds_soft == 1024,
	      "one that fails leaves the one before");
	check(reading_of(SERVER) && reading_of(SERVER)->round == readings.round,
	      "where only the descriptors fail, the process is read");
	socket = readings_of_session(&readings, session);
	check(socket->has_tcp && socket->rtt_us == 12193 && socket->holder.pid == SERVER,
	      "and the connection is as it was");
	fail_with(SERVER, SSHOBS_SNAPSHOT_FDS, 0);
	check(take() == 0 && socket->has_tcp && !socket->unread, "until it is read again");
	fail_with(SHELL, SSHOBS_SNAPSHOT_TASK, ESRCH);
	check(take() == 0 && !reading_of(SHELL), "a process that is gone has none");
	fail_with(SERVER, SSHOBS_SNAPSHOT_TASK, EPERM);
	check(take() == -EPERM, "without the right, there is an error");
	leaves();
}

/* Records that the ring did not keep. */
static void loses(uint64_t count)
{
	struct sshobs_lost lost = { .count = count };
	struct sshobs_hdr hdr = { .type = SSHOBS_LOST, .seq = seq + 1 };
	struct event event = { .hdr = &hdr, .lost = &lost };

	seq += count;
	if (model_fold(&model, &event, NULL))
		abort();
}

static void test_lost(void)
{
	logs_in();
	fail_with(SHELL, SSHOBS_SNAPSHOT_TASK, ESRCH);
	check(take() == 0, "the exit of a process is still to come");
	readings_drop_gone(&readings, &model);
	check(model_find_process(session, SHELL), "it is alive until then");
	loses(10);
	forks(USER, 130);
	fail_with(USER, SSHOBS_SNAPSHOT_TASK, EAGAIN);
	check(take() == 0, "or was lost");
	readings_drop_gone(&readings, &model);
	check(!model_find_process(session, SHELL), "then it has ended");
	check(model_find_process(session, SERVER) && model_find_process(session, USER),
	      "others have not, also where they could not be read");
	check(model_find_process(session, 130), "nor has what began since, and is gone");
	exits(130);
	loses(10);
	fail_with(SERVER, SSHOBS_SNAPSHOT_TASK, ESRCH);
	fail_with(USER, SSHOBS_SNAPSHOT_TASK, ESRCH);
	check(take() == 0, "all are gone");
	exits(SERVER);
	readings_drop_gone(&readings, &model);
	check(model_find(&model, SESSION) && !session->live,
	      "a session that tells of itself since then stays");
	loses(1);
	readings_drop_gone(&readings, &model);
	check(!model_find(&model, SESSION), "and is forgotten when more was lost");
	leaves();
}

static size_t count_processes(void)
{
	const struct process *process;
	size_t n = 0;

	for (process = session->processes; process; process = process->next)
		n++;
	return n;
}

static void test_past(void)
{
	const struct process *process;
	uint32_t pid;

	logs_in();
	for (pid = 1000; pid < 2000; pid++) {
		forks(SHELL, pid);
		execs(pid, "/bin/true");
		exits(pid);
		/* And a shell that becomes another, again and again. */
		execs(SHELL, "/bin/bash");
	}
	check(count_processes() == 1003, "a session has all of its processes");
	model_drop_past(session);
	check(count_processes() == 3, "and then only those that are alive");
	check(model_find_process(session, SHELL)->n_execs == 1, "as what they are now");
	/* Each forks the next one, and ends. */
	for (pid = 2000; pid < 3000; pid++) {
		forks(pid == 2000 ? SHELL : pid - 1, pid);
		if (pid > 2000)
			exits(pid - 1);
		if (pid % 100 == 0)
			model_drop_past(session);
	}
	model_drop_past(session);
	process = model_find_process(session, 2999);
	check(count_processes() == 4 && process->parent->pid == SHELL,
	      "a long line of parents is forgotten, too");
	exits(SERVER);
	exits(USER);
	model_drop_past(session);
	check(count_processes() == 3 && model_find_process(session, SHELL)->parent->pid == SERVER,
	      "the oldest stays as long as somebody descends from it");
	exits(SHELL);
	exits(2999);
	model_drop_past(session);
	check(count_processes() == 0 && !session->last_process, "all may be gone");
	forks(1, 4000);
	check(count_processes() == 1 && session->last_process->pid == 4000, "and others come");
	leaves();
}

int main(void)
{
	test_failures();
	test_lost();
	test_past();
	printf("1..%d\n", number);
	return failed != 0;
}
