// SPDX-License-Identifier: GPL-2.0
/*
 * sshobs: the reader of /dev/sshobs. Here: the command line.
 */
#include <argp.h>
#include <errno.h>
#include <locale.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "format.h"
#include "term.h"

/* clang-format off */
static const struct command {
	const char *name;
	int (*run)(const struct options *options);
	const char *args;
	const char *help;
} commands[] = {
	{ "list",	command_list,	"",	"the logins, one row each" },
	{ "show",	command_show,	"ID",	"the story of one login: phases, time line and processes" },
	{ "blame",	command_blame,	"ID",	"who one login waited for, the longest first" },
	{ "diff",	command_diff,	"ID ID", "what made the difference between two logins" },
	{ "tree",	command_tree,	"ID",	"the process tree of one login" },
	{ "top",	command_top,	"",	"the sessions that are up and their processes, live" },
	{ "inspect",	command_inspect, "ID|PID", "its live processes: limits, descriptors, environment, links" },
	{ "record",	command_record,	"FILE",	"write a capture file, as -w FILE does" },
	{ "status",	command_status,	"",	"the module: loaded? complete? its probes" },
	{ "load",	command_load,	"[NAME=VALUE...]", "load the module" },
	{ "unload",	command_unload,	"",	"unload it" },
};
/* clang-format on */

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

enum { KEY_COLOR = 256, KEY_NO_PAGER, KEY_SORT, KEY_ENV };

/* clang-format off */
static const struct argp_option argp_options[] = {
	{ "all",	'a', NULL,	0, "show: also what came after the prompt; blame, diff: also the small; tree: also what has ended; top: processes too", 0 },
	{ "batch",	'b', NULL,	0, "top: print screens as plain text, -n N of them", 0 },
	{ "delay",	'd', "SECONDS",	0, "top: time between two screens, 3", 0 },
	{ "follow",	'f', NULL,	0, "go on with what comes; the default without -n, -S, -U and -r", 0 },
	{ "lines",	'n', "N",	0, "only the last N records (sessions, for list), or all; top: so many screens", 0 },
	{ "output",	'o', "FORMAT",	0, "short (as cat /dev/sshobs), short-iso or json", 0 },
	{ "since",	'S', "TIME",	0, "from TIME on: \"2026-11-22 10:00:00\", \"10:00\", \"-5min\", \"@EPOCH\"", 0 },
	{ "until",	'U', "TIME",	0, "up to TIME", 0 },
	{ "user",	'u', "USER",	0, "only logins of USER (name or number)", 0 },
	{ "pid",	'p', "PID",	0, "only the login that has the process PID; inspect: that process", 0 },
	{ "write",	'w', "FILE",	0, "write the records to a capture file", 0 },
	{ "read",	'r', "FILE",	0, "read a capture file (-: standard input) instead of the device", 0 },
	{ "sort",	KEY_SORT, "ORDER", 0, "top: start, idle, rtt, bytes or fds", 0 },
	{ "env",	KEY_ENV, "WHICH", 0, "inspect: login (SSH_*, PATH, TERM, LANG, LC_*, HOME, SHELL, USER) or all", 0 },
	{ "color",	KEY_COLOR, "WHEN", 0, "auto, always or never; NO_COLOR is obeyed", 0 },
	{ "no-pager",	KEY_NO_PAGER, NULL, 0, "do not page", 0 },
	{ "quiet",	'q', NULL,	0, "no notes on the standard error, only errors", 0 },
	{ "help",	'h', NULL,	0, "print this help", -1 },
	{ "version",	'V', NULL,	0, "print the version", -1 },
	{ 0 },
};
/* clang-format on */

static const char help_tail[] =
	"ID is the number of a login, last, or self: the one you are typing in.\n"
	"\n"
	"Exit status: 0; 1 it failed; 3 the module is not loaded; 4 not permitted; 64 wrong usage.\n";

static int set_output(struct options *options, const char *name)
{
	if (strcmp(name, "short") == 0 || strcmp(name, "short-monotonic") == 0)
		options->output = OUTPUT_SHORT;
	else if (strcmp(name, "short-iso") == 0)
		options->output = OUTPUT_SHORT_ISO;
	else if (strcmp(name, "json") == 0)
		options->output = OUTPUT_JSON;
	else
		return fail(STATUS_USAGE, "-o %s: unknown format; short, short-iso or json", name);
	return 0;
}

static int set_color(struct options *options, const char *when)
{
	if (strcmp(when, "auto") == 0)
		options->color = COLOR_AUTO;
	else if (strcmp(when, "always") == 0)
		options->color = COLOR_ALWAYS;
	else if (strcmp(when, "never") == 0)
		options->color = COLOR_NEVER;
	else
		return fail(STATUS_USAGE, "--color=%s: unknown; auto, always or never", when);
	return 0;
}

static int set_env(struct options *options, const char *which)
{
	options->env_all = strcmp(which, "all") == 0;
	if (!options->env_all && strcmp(which, "login") != 0)
		return fail(STATUS_USAGE, "--env=%s: unknown; login or all", which);
	return 0;
}

static int set_lines(struct options *options, const char *text)
{
	options->has_lines = true;
	if (strcmp(text, "all") == 0)
		options->lines = LINES_ALL;
	else if (!parse_number(text, UINT64_MAX - 1, &options->lines))
		return fail(STATUS_USAGE, "-n %s: not a number; a number or all", text);
	return 0;
}

static int set_time(const char *option, const char *text, int64_t *ns)
{
	if (!parse_time(text, now_realtime_ns(), ns))
		return fail(
			STATUS_USAGE,
			"%s %s: not a time; \"2026-11-22 10:00:00\", \"10:00\", \"-5min\" or \"@EPOCH\"",
			option, text);
	return 0;
}

/* A name that this host does not know may be one that a client tried, or another host's. */
static int set_user(struct options *options, const char *name)
{
	const struct passwd *pw = getpwnam(name);
	uint64_t uid;

	options->by_user = true;
	options->has_uid = true;
	if (pw) {
		options->uid = pw->pw_uid;
		options->user = name;
	} else if (parse_number(name, UINT32_MAX, &uid)) {
		options->uid = (uint32_t)uid;
	} else {
		options->has_uid = false;
		options->user = name;
	}
	return 0;
}

static int set_pid(struct options *options, const char *text)
{
	uint64_t pid;

	if (!parse_number(text, INT32_MAX, &pid) || !pid)
		return fail(STATUS_USAGE, "-p %s: not a process id; a number", text);
	options->by_pid = true;
	options->pid = (uint32_t)pid;
	return 0;
}

static int set_delay(struct options *options, const char *text)
{
	if (!parse_delay(text, &options->delay_ns))
		return fail(STATUS_USAGE, "-d %s: not a time; seconds, 0.1 to 3600", text);
	return 0;
}

/* What the parser fills. @status is set as soon as something is wrong. */
struct parse {
	struct options options;
	const char *command;
	char *args[64];
	bool help;
	bool version;
	int status;
};

static int add_arg(struct parse *parse, char *arg)
{
	struct options *options = &parse->options;

	if (!parse->command) {
		parse->command = arg;
		return 0;
	}
	if ((size_t)options->n_args == sizeof(parse->args) / sizeof(parse->args[0]))
		return fail(STATUS_USAGE, "%s: too many arguments; see: sshobs --help", arg);
	parse->args[options->n_args++] = arg;
	return 0;
}

static int parse_option(struct parse *parse, int key, char *arg)
{
	struct options *options = &parse->options;

	switch (key) {
	case 'o':
		return set_output(options, arg);
	case 'n':
		return set_lines(options, arg);
	case 'S':
		return set_time("-S", arg, &options->since_ns);
	case 'U':
		return set_time("-U", arg, &options->until_ns);
	case 'u':
		return set_user(options, arg);
	case 'p':
		return set_pid(options, arg);
	case 'd':
		return set_delay(options, arg);
	case KEY_ENV:
		return set_env(options, arg);
	case KEY_COLOR:
		return set_color(options, arg);
	case KEY_SORT:
		options->sort = arg;
		return 0;
	case ARGP_KEY_ARG:
		return add_arg(parse, arg);
	}
	return -1;
}

static bool parse_flag(struct parse *parse, int key, const char *arg)
{
	struct options *options = &parse->options;

	switch (key) {
	case 'a':
		options->all = true;
		return true;
	case 'b':
		options->batch = true;
		return true;
	case 'f':
		options->follow = true;
		return true;
	case 'q':
		options->quiet = true;
		return true;
	case 'w':
		options->write = arg;
		return true;
	case 'r':
		options->read = arg;
		return true;
	case 'h':
		parse->help = true;
		return true;
	case 'V':
		parse->version = true;
		return true;
	case KEY_NO_PAGER:
		options->no_pager = true;
		return true;
	}
	return false;
}

static error_t parse_one(int key, char *arg, struct argp_state *state)
{
	struct parse *parse = state->input;
	int status;

	if (parse->status || parse_flag(parse, key, arg))
		return 0;
	status = parse_option(parse, key, arg);
	if (status < 0)
		return ARGP_ERR_UNKNOWN;
	parse->status = status;
	return 0;
}

static void print_help(const struct argp *argp)
{
	struct argp copy = *argp;
	char *doc = NULL;
	size_t size, i;
	FILE *out = open_memstream(&doc, &size);

	if (!out)
		return;
	fputs("What happened during an SSH login, event by event. Without a command: follow live, as text.\v",
	      out);
	fputs("Commands:\n", out);
	for (i = 0; i < N_COMMANDS; i++)
		fprintf(out, "  %-7s %-15s %s\n", commands[i].name, commands[i].args,
			commands[i].help);
	fprintf(out, "\n%s", help_tail);
	fclose(out);
	copy.doc = doc;
	argp_help(&copy, stdout, ARGP_HELP_STD_HELP & ~ARGP_HELP_EXIT_OK, "sshobs");
	free(doc);
}

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < N_COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static int run_command(struct parse *parse)
{
	struct options *options = &parse->options;
	const struct command *command;

	if ((options->batch || options->delay_ns || options->sort) &&
	    !(parse->command && strcmp(parse->command, "top") == 0))
		return fail(STATUS_USAGE, "-b, -d, --sort: only with top; usage: sshobs top -b");
	if (!parse->command)
		return options->write ? command_record(options) : command_follow(options);
	command = find_command(parse->command);
	if (!command)
		return fail(STATUS_USAGE, "%s: no such command; see: sshobs --help",
			    parse->command);
	if (options->write && command->run != command_record)
		return fail(STATUS_USAGE, "-w: not with %s; usage: sshobs -w FILE", command->name);
	if (options->follow)
		return fail(STATUS_USAGE, "-f: %s does not follow; usage: sshobs -f",
			    command->name);
	return command->run(options);
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = argp_options,
		.parser = parse_one,
		.args_doc = "[COMMAND [ARG...]]",
	};
	static struct parse parse;
	int index = 1;
	int status, err;

	setlocale(LC_CTYPE, "");
	signal(SIGPIPE, SIG_IGN);
	parse.options.since_ns = INT64_MIN;
	parse.options.until_ns = INT64_MAX;
	parse.options.args = parse.args;
	if (argp_parse(&argp, argc, argv, ARGP_NO_ERRS | ARGP_NO_HELP | ARGP_NO_EXIT, &index,
		       &parse) &&
	    !parse.status)
		return fail(STATUS_USAGE,
			    "%s: unknown option, or its value is missing; see: sshobs --help",
			    argv[index > 1 ? index - 1 : index]);
	if (parse.status)
		return parse.status;
	term_init(&parse.options);
	if (parse.help)
		print_help(&argp);
	else if (parse.version)
		puts("sshobs " SSHOBS_VERSION);
	status = parse.help || parse.version ? 0 : run_command(&parse);
	err = term_finish();
	if (err && !status)
		status = fail(STATUS_FAILURE,
			      "standard output: %s; what was printed is not complete",
			      strerror(-err));
	return status;
}
