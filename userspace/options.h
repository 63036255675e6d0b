/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the command line asked for, and how the reader ends.
 */
#ifndef _SSHOBS_OPTIONS_H
#define _SSHOBS_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* Exit statuses, besides 0; the manual lists them. */
enum status {
	STATUS_FAILURE = 1,
	STATUS_NO_MODULE = 3,
	STATUS_NOT_PERMITTED = 4,
	STATUS_USAGE = 64,
};

enum output {
	OUTPUT_SHORT, /* the lines that the device gives */
	OUTPUT_SHORT_ISO, /* the same, with the time of day */
	OUTPUT_JSON,
};

enum color {
	COLOR_AUTO,
	COLOR_ALWAYS,
	COLOR_NEVER,
};

#define LINES_ALL UINT64_MAX

/**
 * struct options - the command line
 * @follow: -f: go on with what comes
 * @all: -a: nothing left out
 * @lines: -n: how many of the last records; LINES_ALL: all
 * @has_lines: -n was given
 * @output: -o
 * @since_ns: -S, CLOCK_REALTIME; INT64_MIN if not given
 * @until_ns: -U, CLOCK_REALTIME; INT64_MAX if not given
 * @by_user: -u was given
 * @user: its name; NULL: a number was given
 * @has_uid: @uid is the user's on this host
 * @uid: the user id
 * @by_pid: -p was given
 * @pid: its process
 * @write: -w: capture file to write, or NULL
 * @read: -r: capture file to read, or NULL
 * @env_all: --env=all: whole environments
 * @color: --color
 * @no_pager: --no-pager
 * @quiet: -q
 * @batch: -b: top: plain text
 * @delay_ns: -d: top: time between two screens; 0: not given
 * @sort: --sort: top: order of the sessions, or NULL
 * @args: what follows the subcommand
 * @n_args: how many
 */
struct options {
	bool follow;
	bool all;
	uint64_t lines;
	bool has_lines;
	enum output output;
	int64_t since_ns;
	int64_t until_ns;
	bool by_user;
	const char *user;
	bool has_uid;
	uint32_t uid;
	bool by_pid;
	uint32_t pid;
	const char *write;
	const char *read;
	bool env_all;
	enum color color;
	bool no_pager;
	bool quiet;
	bool batch;
	uint64_t delay_ns;
	const char *sort;
	char **args;
	int n_args;
};

/**
 * say() - print one line on the standard error: "sshobs: ..."
 * @fmt: "what: why; what to do next", without a newline
 */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/**
 * fail() - say why it failed, and give the status for it
 * @status: enum status
 * @fmt: as for say()
 *
 * Return: @status.
 */
int fail(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif /* _SSHOBS_OPTIONS_H */
