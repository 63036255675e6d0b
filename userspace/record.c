// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "capture.h"
#include "commands.h"

#define BUFFER_SIZE (256 * 1024)
/* While it sleeps, the kernel need not wake anybody for each record. */
#define PAUSE_NS    50000000

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

/* Signals are taken only where it waits: @waiting is the mask for that. */
static void catch_signals(sigset_t *waiting)
{
	struct sigaction action = { .sa_handler = stop };
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGHUP);
	sigprocmask(SIG_BLOCK, &blocked, waiting);
	sigdelset(waiting, SIGINT);
	sigdelset(waiting, SIGTERM);
	sigdelset(waiting, SIGHUP);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

/* A capture holds command lines: nobody else may read it. */
static FILE *open_output(const char *path)
{
	FILE *file;
	int fd;

	if (strcmp(path, "-") == 0) {
		fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
		if (fd >= 0 && isatty(fd)) {
			close(fd);
			errno = EISDIR;
			return NULL;
		}
	} else {
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	}
	file = fd < 0 ? NULL : fdopen(fd, "w");
	if (file)
		setvbuf(file, NULL, _IOFBF, BUFFER_SIZE);
	return file;
}

static int write_failed(const char *path, int err)
{
	if (err == -EISDIR && strcmp(path, "-") == 0)
		return fail(STATUS_USAGE, "-: will not write records to a terminal; name a file");
	if (err == -ENOSPC || err == -EDQUOT)
		return fail(STATUS_FAILURE,
			    "%s: %s; what was written can be read, make room and start again", path,
			    strerror(-err));
	return fail(STATUS_FAILURE, "%s: %s; choose another file", path, strerror(-err));
}

/* Write out all that the ring has now; return 1 on a failed write, or -errno. */
static int drain(struct stream *stream, FILE *file)
{
	const void *data;
	long n;

	for (;;) {
		n = stream_read_raw(stream, &data);
		if (n < 0)
			return (int)n;
		if (!n)
			break;
		if (fwrite(data, 1, (size_t)n, file) != (size_t)n)
			return 1;
	}
	return fflush(file) ? 1 : 0;
}

static int record_loop(struct stream *stream, FILE *file)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	sigset_t waiting;
	int ret;

	catch_signals(&waiting);
	for (;;) {
		bool last = stopped;

		ret = drain(stream, file);
		if (ret || last)
			return ret;
		ppoll(NULL, 0, &pause, &waiting);
		if (stopped)
			continue;
		ret = stream_wait(stream, fileno(file), &waiting);
		if (ret == -EPIPE)
			return 0;
		if (ret && ret != -EINTR)
			return ret;
	}
}

static void tell(const struct options *options, const struct stream *stream)
{
	uint64_t records, lost;

	stream_raw_counts(stream, &records, &lost);
	if (!options->quiet)
		say("%s: %llu records written, %llu lost", options->write,
		    (unsigned long long)records, (unsigned long long)lost);
}

static int record_to(const struct options *options, struct stream *stream, FILE *file)
{
	int status = 0;
	int ret;

	if (options->has_lines && !options->lines)
		stream_skip(stream);
	ret = capture_write(file, stream_origin(stream));
	ret = ret < 0 ? 1 : record_loop(stream, file);
	if (ret > 0 && errno != EPIPE)
		status = write_failed(options->write, -errno);
	else if (ret < 0)
		status = read_failed(options, stream, ret);
	if (fclose(file) && !status && errno != EPIPE)
		status = write_failed(options->write, -errno);
	if (!status)
		tell(options, stream);
	return status;
}

static int check_options(const struct options *options)
{
	if (!options->write)
		return fail(STATUS_USAGE, "record: which file? usage: sshobs record FILE");
	if (options->read)
		return fail(STATUS_USAGE, "-w: cannot be combined with -r; copy the file instead");
	if (options->by_user || options->by_pid || options->since_ns != INT64_MIN ||
	    options->until_ns != INT64_MAX)
		return fail(STATUS_USAGE,
			    "-w: records everything; filter when you read it, with -r");
	if (options->has_lines && options->lines && options->lines != LINES_ALL)
		return fail(STATUS_USAGE, "-n: with -w, 0 (from now on) or all");
	return 0;
}

int command_record(const struct options *options)
{
	struct options copy = *options;
	struct stream *stream;
	FILE *file;
	int status;

	if (copy.n_args == 1 && !copy.write) {
		copy.write = copy.args[0];
		copy.n_args = 0;
	}
	if (copy.n_args)
		return fail(STATUS_USAGE, "record: one file; usage: sshobs record FILE");
	status = check_options(&copy);
	status = status ?: open_source(&copy, &stream);
	if (status)
		return status;
	signal(SIGPIPE, SIG_IGN);
	file = open_output(copy.write);
	if (file)
		status = record_to(&copy, stream, file);
	else
		status = write_failed(copy.write, -errno);
	stream_close(stream);
	return status;
}
