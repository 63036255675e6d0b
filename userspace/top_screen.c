// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdint.h>
#include <stdio.h>

#include <curses.h>

#include "top_screen.h"

static SCREEN *screen;
static int line;
static bool marked;
static bool colored;

/* A terminal without these can show lines only. */
static bool is_able(void)
{
	const char *move_to = tigetstr("cup"), *clear_all = tigetstr("clear");

	return move_to && (intptr_t)move_to != -1 && clear_all && (intptr_t)clear_all != -1;
}

static void start_colors(void)
{
	static const struct {
		enum tint tint;
		short color;
	} pairs[] = {
		{ TINT_GOOD, COLOR_GREEN },
		{ TINT_WARN, COLOR_YELLOW },
		{ TINT_BAD, COLOR_RED },
		{ TINT_NAME, COLOR_CYAN },
	};
	size_t i;

	colored = has_colors() && start_color() == OK && use_default_colors() == OK;
	for (i = 0; colored && i < sizeof(pairs) / sizeof(pairs[0]); i++)
		init_pair((short)(pairs[i].tint + 1), pairs[i].color, -1);
}

void screen_close(void)
{
	if (!screen)
		return;
	endwin();
	delscreen(screen);
	screen = NULL;
}

int screen_open(bool color)
{
	/* Unlike initscr(), which would end the program. */
	screen = newterm(NULL, stdout, stdin);
	if (screen && !is_able())
		screen_close();
	if (!screen)
		return -ENOTTY;
	colored = false;
	if (color)
		start_colors();
	cbreak();
	noecho();
	nonl();
	curs_set(0);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(25);
	return 0;
}

void screen_size(size_t *lines, size_t *columns)
{
	*lines = (size_t)getmaxy(stdscr);
	*columns = (size_t)getmaxx(stdscr);
}

int screen_key(void)
{
	int key = getch();

	switch (key) {
	case ERR:
		return SCREEN_NO_KEY;
	case KEY_UP:
		return SCREEN_UP;
	case KEY_DOWN:
		return SCREEN_DOWN;
	case KEY_PPAGE:
		return SCREEN_PAGE_UP;
	case KEY_NPAGE:
		return SCREEN_PAGE_DOWN;
	case KEY_HOME:
		return SCREEN_HOME;
	case KEY_END:
		return SCREEN_END;
	case KEY_ENTER:
	case '\r':
	case '\n':
		return SCREEN_ENTER;
	case '\033':
		return SCREEN_ESCAPE;
	case KEY_BACKSPACE:
	case '\b':
	case 0x7f:
		return SCREEN_BACKSPACE;
	case '\f':
		clearok(stdscr, TRUE);
		return SCREEN_REDRAW;
	case KEY_RESIZE:
		return SCREEN_REDRAW;
	}
	return key < 0x100 ? key : SCREEN_OTHER;
}

void screen_begin(void)
{
	erase();
	line = 0;
	marked = false;
	move(0, 0);
}

void screen_mark(void)
{
	marked = true;
}

void screen_skip_to(size_t to)
{
	line = (int)to;
	move(line, 0);
}

static attr_t attribute(enum tint tint)
{
	switch (tint) {
	case TINT_DIM:
	case TINT_KEY:
		return A_DIM;
	case TINT_BOLD:
		return A_BOLD;
	case TINT_BAD:
		return colored ? COLOR_PAIR(tint + 1) : A_BOLD;
	case TINT_GOOD:
	case TINT_WARN:
	case TINT_NAME:
		return colored ? COLOR_PAIR(tint + 1) : A_NORMAL;
	default:
		return A_NORMAL;
	}
}

void screen_put(void *to, const char *text, enum tint tint)
{
	(void)to;
	/* Colours on the reverse are hard to read. */
	attrset(marked ? A_REVERSE : attribute(tint));
	addstr(text);
	attrset(A_NORMAL);
}

void screen_end(void *to)
{
	int x = getcurx(stdscr);

	(void)to;
	/* A full line has moved on already, or stopped in the last column. */
	if (marked && getcury(stdscr) == line && x < getmaxx(stdscr))
		mvchgat(line, 0, -1, A_REVERSE, 0, NULL);
	marked = false;
	line++;
	move(line, 0);
}

void screen_show(void)
{
	refresh();
}
