/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The terminal: colours, width, pager. And tables on it.
 */
#ifndef _SSHOBS_TERM_H
#define _SSHOBS_TERM_H

#include <stdbool.h>
#include <stddef.h>

#include <libsmartcols.h>

#include "options.h"

/**
 * struct term - what the output may look like
 * @color: with colours
 * @utf8: other characters than ASCII may be printed
 * @width: columns of the terminal; 0: no terminal, as wide as it takes
 */
struct term {
	bool color;
	bool utf8;
	int width;
};

/** term_init() - look at the standard output; call it once, before term_page() */
void term_init(const struct options *options);

/** term_get() - what term_init() found */
const struct term *term_get(void);

/** term_page() - send what follows through the user's pager, if it is a terminal's */
void term_page(const struct options *options);

/**
 * term_finish() - write out the standard output, and wait for the pager
 *
 * A reader that has gone away (EPIPE) is no failure.
 *
 * Return: 0, or -errno if it could not be written.
 */
int term_finish(void);

/* Colours; empty strings where there are none. */
enum tint {
	TINT_NONE,
	TINT_DIM,
	TINT_BOLD,
	TINT_GOOD,
	TINT_WARN,
	TINT_BAD,
	TINT_NAME,
	TINT_KEY,
};

/** term_tint() - the sequence that turns a colour on; TINT_NONE: all off */
const char *term_tint(enum tint tint);

/* Columns that print_key() takes. */
#define KEY_COLUMNS 13

/** print_key() - begin a line "KEY: ..." whose values stand one below the other */
void print_key(const char *key);

/** term_columns() - columns that a text takes, which is safe for a terminal */
size_t term_columns(const char *text);

/** term_prefix() - bytes at the start of a text that take no more than so many columns */
size_t term_prefix(const char *text, size_t room);

/**
 * term_wrap() - print a text, broken between its words to fit the terminal
 * @text: safe for a terminal
 * @indent: columns that were printed before it, and blanks before later lines
 * @tint: its colour
 *
 * A newline ends it.
 */
void term_wrap(const char *text, size_t indent, enum tint tint);

/**
 * struct column - one column of a table
 * @name: its heading
 * @width: share of the width (0 to 1), or least width
 * @flags: SCOLS_FL_*
 */
struct column {
	const char *name;
	double width;
	int flags;
};

/**
 * table_new() - begin a table on the standard output
 * @columns: its columns
 * @n: how many
 *
 * Return: the table, or NULL without memory; table_print() frees it.
 */
struct libscols_table *table_new(const struct column *columns, size_t n);

/** table_cell() - set one cell, coloured; @text must be safe for a terminal */
void table_cell(struct libscols_line *line, size_t column, const char *text, enum tint tint);

/** table_print() - print the table, and free it; Return: 0 or -errno */
int table_print(struct libscols_table *table);

#endif /* _SSHOBS_TERM_H */
