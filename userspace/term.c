// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wchar.h>

#include "term.h"

static struct term term;
static pid_t pager;

static int terminal_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	long width = columns ? strtol(columns, NULL, 10) : 0;

	if (!isatty(STDOUT_FILENO))
		return 0;
	if (width > 0 && width < 10000)
		return (int)width;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
		return size.ws_col;
	return 80;
}

static bool wants_color(const struct options *options)
{
	const char *no_color = getenv("NO_COLOR");
	const char *name = getenv("TERM");

	if (options->color != COLOR_AUTO)
		return options->color == COLOR_ALWAYS;
	if (no_color && *no_color)
		return false;
	return isatty(STDOUT_FILENO) && name && strcmp(name, "dumb") != 0;
}

void term_init(const struct options *options)
{
	term.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	term.width = terminal_width();
	term.color = wants_color(options);
}

const struct term *term_get(void)
{
	return &term;
}

static bool has_less(void)
{
	return access("/usr/bin/less", X_OK) == 0 || access("/bin/less", X_OK) == 0;
}

static const char *find_pager(void)
{
	const char *command = getenv("SSHOBS_PAGER");

	if (!command)
		command = getenv("PAGER");
	if (!command)
		command = "less";
	if (!*command || strcmp(command, "cat") == 0)
		return NULL;
	return strcmp(command, "less") != 0 || has_less() ? command : NULL;
}

/* Most run this as root: less must not be a way to a shell or to other files. */
static void exec_pager(int in)
{
	dup2(in, STDIN_FILENO);
	close(in);
	setenv("LESS", "FRSX", 0);
	setenv("LESSSECURE", "1", 1);
	if (term.utf8)
		setenv("LESSCHARSET", "utf-8", 0);
	signal(SIGPIPE, SIG_DFL);
	execl("/bin/sh", "sh", "-c", find_pager(), (char *)NULL);
	_exit(127);
}

void term_page(const struct options *options)
{
	int fds[2];

	if (options->no_pager || !isatty(STDOUT_FILENO) || !find_pager())
		return;
	if (pipe(fds))
		return;
	fflush(stdout);
	pager = fork();
	if (pager == 0) {
		close(fds[1]);
		exec_pager(fds[0]);
	}
	close(fds[0]);
	if (pager > 0)
		dup2(fds[1], STDOUT_FILENO);
	close(fds[1]);
	/* An interrupt is for the pager; it ends when the user leaves it. */
	if (pager > 0)
		signal(SIGINT, SIG_IGN);
}

/* Whether whoever read the standard output has gone away. */
static bool reader_is_gone(void)
{
	struct pollfd fd = { .fd = STDOUT_FILENO };

	return poll(&fd, 1, 0) == 1 && (fd.revents & (POLLERR | POLLHUP));
}

int term_finish(void)
{
	int err = 0;

	errno = 0;
	if (fflush(stdout) || ferror(stdout))
		err = reader_is_gone() ? EPIPE : errno ? errno : EIO;
	if (fclose(stdout) && !err)
		err = errno;
	if (pager > 0)
		while (waitpid(pager, NULL, 0) < 0 && errno == EINTR)
			;
	return err == EPIPE ? 0 : -err;
}

/* clang-format off */
static const struct {
	const char *sequence;
	const char *name;	/* as libsmartcols calls it */
} tints[] = {
	[TINT_NONE]	= { "\033[0m",		"reset" },
	[TINT_DIM]	= { "\033[2m",		"halfbright" },
	[TINT_BOLD]	= { "\033[1m",		"bold" },
	[TINT_GOOD]	= { "\033[32m",		"green" },
	[TINT_WARN]	= { "\033[33m",		"brown" },
	[TINT_BAD]	= { "\033[31m",		"red" },
	[TINT_NAME]	= { "\033[36m",		"cyan" },
	[TINT_KEY]	= { "\033[2m",		"halfbright" },
};
/* clang-format on */

const char *term_tint(enum tint tint)
{
	return term.color ? tints[tint].sequence : "";
}

void print_key(const char *key)
{
	printf("%s%*s:%s ", term_tint(TINT_KEY), KEY_COLUMNS - 2, key, term_tint(TINT_NONE));
}

/* Length in bytes of the character at @text, and its columns. */
static size_t character(const char *text, size_t *columns)
{
	wchar_t wide;
	size_t n = mbrtowc(&wide, text, MB_CUR_MAX, &(mbstate_t){ 0 });
	int width;

	*columns = 1;
	if (n == (size_t)-1 || n == (size_t)-2 || n == 0)
		return 1;
	width = wcwidth(wide);
	*columns = width < 0 ? 1 : (size_t)width;
	return n;
}

size_t term_columns(const char *text)
{
	size_t sum = 0, columns;

	while (*text) {
		text += character(text, &columns);
		sum += columns;
	}
	return sum;
}

size_t term_prefix(const char *text, size_t room)
{
	size_t at = 0, used = 0, columns, n;

	while (text[at]) {
		n = character(text + at, &columns);
		if (used + columns > room)
			break;
		at += n;
		used += columns;
	}
	return at;
}

/* Bytes that fit into @room columns; up to the last blank, if there is a late one. */
static size_t fitting(const char *text, size_t room)
{
	size_t at = 0, used = 0, blank = 0, columns, n;

	while (text[at]) {
		n = character(text + at, &columns);
		if (used + columns > room)
			break;
		if (text[at] == ' ' && used >= room / 2)
			blank = at;
		at += n;
		used += columns;
	}
	if (!text[at] || text[at] == ' ')
		return at;
	return blank ? blank : at;
}

void term_wrap(const char *text, size_t indent, enum tint tint)
{
	size_t width = (size_t)term.width;
	/* Narrower than that, breaking it would not help. */
	size_t room = !width ? SIZE_MAX : width > indent + 20 ? width - indent : 20;

	for (;;) {
		size_t n = fitting(text, room);

		if (!n && *text)
			n = 1;
		printf("%s%.*s%s\n", tint == TINT_NONE ? "" : term_tint(tint), (int)n, text,
		       tint == TINT_NONE ? "" : term_tint(TINT_NONE));
		text += n;
		while (*text == ' ')
			text++;
		if (!*text)
			break;
		printf("%*s", (int)indent, "");
	}
}

struct libscols_table *table_new(const struct column *columns, size_t n)
{
	struct libscols_table *table = scols_new_table();
	size_t i;

	if (!table)
		return NULL;
	scols_table_set_stream(table, stdout);
	scols_table_enable_colors(table, term.color);
	scols_table_enable_ascii(table, !term.utf8);
	/* The cells are safe already, and say so in their own way. */
	scols_table_enable_noencoding(table, 1);
	/* stdout may be a pipe to the pager: the width is that of its terminal. */
	scols_table_set_termforce(table,
				  term.width ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
	if (term.width)
		scols_table_set_termwidth(table, (size_t)term.width);
	for (i = 0; i < n; i++) {
		if (!scols_table_new_column(table, columns[i].name, columns[i].width,
					    columns[i].flags)) {
			scols_unref_table(table);
			return NULL;
		}
	}
	return table;
}

void table_cell(struct libscols_line *line, size_t column, const char *text, enum tint tint)
{
	if (!line)
		return;
	scols_line_set_data(line, column, text);
	if (term.color && tint != TINT_NONE)
		scols_cell_set_color(scols_line_get_cell(line, column), tints[tint].name);
}

int table_print(struct libscols_table *table)
{
	int err = scols_print_table(table);

	scols_unref_table(table);
	return err;
}
