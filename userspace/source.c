// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"

static void say_line(const char *fmt, va_list args)
{
	/* The lines before it come first, also when both are one file. */
	fflush(stdout);
	fputs("sshobs: ", stderr);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	vfprintf(stderr, fmt, args);
#pragma GCC diagnostic pop
	fputc('\n', stderr);
}

void say(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say_line(fmt, args);
	va_end(args);
}

int fail(int status, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say_line(fmt, args);
	va_end(args);
	return status;
}

static int open_failed(const char *path, int err)
{
	switch (err) {
	case STREAM_FOREIGN:
		return fail(STATUS_FAILURE,
			    "%s: not a capture of sshobs; make one with: sshobs record FILE", path);
	case STREAM_VERSION:
		return fail(STATUS_FAILURE, "%s: made by a newer version; update sshobs", path);
	case STREAM_BYTE_ORDER:
		return fail(STATUS_FAILURE,
			    "%s: written by a machine with the other byte order; read it there",
			    path);
	case STREAM_DAMAGED:
		return fail(STATUS_FAILURE, "%s: damaged at its beginning; nothing can be read",
			    path);
	case -ENOENT:
		return fail(STATUS_FAILURE, "%s: no such file; check the name", path);
	}
	return fail(STATUS_FAILURE, "%s: %s; check the file", path, strerror(-err));
}

static int device_failed(int err)
{
	switch (err) {
	case -ENOENT:
	case -ENXIO:
	case -ENODEV:
		return fail(STATUS_NO_MODULE, SSHOBS_DEVICE
			    ": the module is not loaded; load it with: sudo sshobs load");
	case -EACCES:
	case -EPERM:
		return fail(STATUS_NOT_PERMITTED,
			    SSHOBS_DEVICE ": not permitted; run it as root, with CAP_PERFMON");
	case -ENOTTY:
	case STREAM_VERSION:
		return fail(STATUS_FAILURE, SSHOBS_DEVICE
			    ": module and reader are of different versions; install both anew");
	}
	return fail(STATUS_FAILURE, SSHOBS_DEVICE ": %s; see: sshobs status", strerror(-err));
}

int open_source(const struct options *options, struct stream **stream)
{
	int err;

	if (options->read) {
		err = stream_open_file(stream, options->read);
		return err ? open_failed(options->read, err) : 0;
	}
	err = stream_open_device(stream);
	return err ? device_failed(err) : 0;
}

int read_failed(const struct options *options, const struct stream *stream, int err)
{
	if (err == -ENOMEM)
		return fail(STATUS_FAILURE, "out of memory; narrow it down with -S, -U or -n");
	if (!options->read)
		return device_failed(err);
	if (err == STREAM_DAMAGED)
		return fail(STATUS_FAILURE,
			    "%s: damaged at byte %llu; what came before it was read", options->read,
			    (unsigned long long)stream_offset(stream));
	return fail(STATUS_FAILURE, "%s: %s; check the file", options->read, strerror(-err));
}

void warn_cut(const struct options *options, const struct stream *stream)
{
	if (options->read && stream_cut(stream) && !options->quiet)
		say("%s: cut off at byte %llu, in the middle of a record; what came before it was read",
		    options->read, (unsigned long long)stream_offset(stream) + stream_cut(stream));
}

bool in_window(const struct options *options, const struct event *event)
{
	int64_t when = event_realtime(event);

	return when >= options->since_ns && when <= options->until_ns;
}
