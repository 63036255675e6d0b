// SPDX-License-Identifier: GPL-2.0
/*
 * The rows of the live view from sessions and readings that are made up. TAP; run it with
 * ASan and UBSan.
 */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../../userspace/top_rows.h"
#include "../../userspace/top_view.h"

static int number, failed;

/* What was drawn last, and the widest line of it. */
static char *screen;
static size_t screen_size, widest, columns;

static struct model model;
static struct readings readings;
static struct top_rows rows;
static uint64_t now = 1000000000;
static uint64_t seqs[4096];

static void check(bool good, const char *name)
{
	const char *at;
	int lines = 0;

	number++;
	failed += !good;
	if (!good)
		for (at = screen; at && *at && lines < 20; at = strchr(at, '\n') + 1, lines++)
			printf("# %.*s\n", (int)strcspn(at, "\n"), at);
	printf("%sok %d - top: %s\n", good ? "" : "not ", number, name);
}

static void fold(unsigned int type, uint64_t session, uint32_t pid, const void *body,
		 const void *data)
{
	struct sshobs_hdr hdr = {
		.len = sizeof(hdr),
		.hdr_len = sizeof(hdr),
		.type = (uint16_t)type,
		.time_ns = now += 1000,
		.session = session,
		.session_seq = ++seqs[session],
		.pid = pid,
		.comm = "sshd",
	};
	struct event event = { .hdr = &hdr, .body = body, .data = data };

	if (model_fold(&model, &event, NULL))
		abort();
}

static void forks(uint64_t session, uint32_t pid, uint32_t child)
{
	struct sshobs_clone clone = { .start_ns = child, .child = child };

	fold(SSHOBS_CLONE, session, pid, &clone, NULL);
}

static void executes(uint64_t session, uint32_t pid, const char *tty, const char *argv0)
{
	struct sshobs_exec *exec = calloc(1, sizeof(*exec) + 512);
	uint32_t len = (uint32_t)strlen(argv0);

	exec->uid = 424201;
	exec->path_len = exec->path_total = len;
	exec->argv_len = exec->argv_total = len + 1;
	memcpy(exec->tty, tty, strlen(tty));
	memcpy(exec->data, argv0, len);
	memcpy(exec->data + len, argv0, len + 1);
	fold(SSHOBS_EXEC, session, pid, exec, exec->data);
	free(exec);
}

static void exits(uint64_t session, uint32_t pid)
{
	fold(SSHOBS_EXIT, session, pid, &(struct sshobs_exit){ 0 }, NULL);
}

/* A session with a server, 10 * @id, and a shell of the user on a terminal, 10 * @id + 1. */
static void logs_in(uint64_t id, const char *shell)
{
	struct sshobs_accept accept = { .cookie = id };
	uint32_t server = (uint32_t)id * 10;

	accept.peer.family = accept.local.family = AF_INET;
	memcpy(accept.peer.addr, (unsigned char[]){ 203, 0, 113, 100 }, 4);
	fold(SSHOBS_ACCEPT, id, 1, &accept, NULL);
	forks(id, 1, server);
	executes(id, server, "", "/usr/sbin/sshd");
	forks(id, server, server + 1);
	executes(id, server + 1, "pts/0", shell);
	model_find(&model, id)->tag = TOP_WANTED;
}

static struct session_reading *read_session(uint64_t id, uint32_t rtt_us, uint64_t bytes,
					    uint32_t idle_ms)
{
	struct session_reading *reading = calloc(1, sizeof(*reading));

	reading->id = id;
	reading->has_tcp = true;
	reading->rtt_us = rtt_us;
	reading->bytes_in = bytes;
	reading->bytes_out = 2 * bytes;
	reading->idle_ms = idle_ms;
	HASH_ADD(hh, readings.sessions, id, sizeof(reading->id), reading);
	return reading;
}

static struct process_reading *read_process(uint64_t session, uint32_t pid, uint64_t fds,
					    uint64_t soft)
{
	struct process_reading *reading = calloc(1, sizeof(*reading));

	reading->key = (struct process_key){ session, pid, pid };
	reading->fds = fds;
	reading->fds_soft = soft;
	reading->state = 'S';
	reading->uid = 424201;
	HASH_ADD(hh, readings.processes, key, sizeof(reading->key), reading);
	return reading;
}

static void put(void *to, const char *text, enum tint tint)
{
	(void)tint;
	columns += term_columns(text);
	fputs(text, to);
}

static void end(void *to)
{
	if (columns > widest)
		widest = columns;
	columns = 0;
	fputc('\n', to);
}

static void draw(enum top_sort sort, size_t width)
{
	struct canvas canvas = { put, end, NULL };
	struct layout layout;
	size_t i;

	top_rows_free(&rows);
	if (top_rows_make(&rows, &model, &readings, sort, false))
		abort();
	free(screen);
	widest = 0;
	canvas.to = open_memstream(&screen, &screen_size);
	top_view_layout(&layout, &rows, width);
	top_view_heads(&canvas, &layout);
	for (i = 0; i < rows.n; i++)
		top_view_row(&canvas, &layout, &rows.rows[i]);
	fclose(canvas.to);
}

/* Whether all lines that have @what in them, in their order, are those of @order. */
static bool in_order(const char *what, const char *order)
{
	char *copy = strdup(screen), *save, *line;
	bool good = true;

	for (line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char id[24];

		if (!strstr(line, what) || sscanf(line, "%20s", id) != 1)
			continue;
		good &= strncmp(order, id, strlen(id)) == 0;
		order += good ? strlen(id) + !!order[strlen(id)] : 0;
	}
	free(copy);
	return good && !*order;
}

static void reset(void)
{
	top_rows_free(&rows);
	model_free(&model);
	readings.round++;
	readings_free(&readings);
	memset(seqs, 0, sizeof(seqs));
}

static void test_readings(void)
{
	logs_in(1, "-bash");
	logs_in(2, "-bash");
	logs_in(3, "-zsh");
	read_process(3, 30, 7, 1);
	read_session(1, 24312, 1234, 192000)->retrans = 7;
	read_session(2, 512, 1048576, 59000);
	read_process(1, 11, 52, 1024);
	read_process(2, 21, 950, 1000);
	read_process(2, 20, 5, SSHOBS_UNLIMITED)->rss_kb = 5 * 1024;
	draw(SORT_START, SIZE_MAX);
	check(strstr(screen, " 24.3ms       7  1.2K  2.4K 3m12s     2 5.0% -bash"),
	      "RTT, retransmits, bytes, idle time and descriptors of a session");
	check(strstr(screen, "  512us       0  1.0M  2.0M   59s     2  95% -bash"),
	      "the share is that of the process that is nearest to its limit");
	check(rows.rows[1].cells[CELL_FDS].tint == TINT_BAD, "and stands out");
	check(strstr(screen, " -       -     -     -     -     2    - -zsh"),
	      "what was not read is a dash, and so is the share of a limit that was lowered");
	check(in_order("sh", "1 2 3"), "sorted by start");
	draw(SORT_RTT, SIZE_MAX);
	check(in_order("sh", "1 2 3"), "sorted by RTT");
	draw(SORT_BYTES, SIZE_MAX);
	check(in_order("sh", "2 1 3"), "sorted by bytes, the unknown last");
	draw(SORT_IDLE, SIZE_MAX);
	check(in_order("sh", "1 2 3"), "sorted by idle time");
	draw(SORT_FDS, SIZE_MAX);
	check(in_order("sh", "2 1 3"), "sorted by descriptors");
	model_find(&model, 2)->tag |= TOP_UNFOLDED;
	draw(SORT_START, 80);
	check(strstr(screen, "     20 424201   S   0.0  5.0M      5/- /usr/sbin/sshd\n") &&
		      strstr(screen, "     21 424201   S   0.0     0 950/1000 `--bash\n"),
	      "the processes below an unfolded session");
	reset();
}

static void test_foreground(void)
{
	struct session_reading *reading;

	logs_in(1, "-bash");
	forks(1, 11, 12);
	executes(1, 12, "pts/0", "make");
	forks(1, 12, 13);
	executes(1, 13, "pts/0", "cc1");
	forks(1, 11, 14);
	executes(1, 14, "pts/0", "sleep");
	draw(SORT_START, SIZE_MAX);
	check(strstr(screen, " sleep\n"), "without readings, the newest on the terminal is told");
	reading = read_session(1, 1, 1, 1);
	reading->foreground = 12;
	read_process(1, 13, 1, 10)->pgid = 12;
	draw(SORT_START, SIZE_MAX);
	check(strstr(screen, " make\n"), "the leader of the group in the foreground");
	exits(1, 12);
	draw(SORT_START, SIZE_MAX);
	check(strstr(screen, " cc1\n"), "if it is gone, another one of the group");
	reset();
}

static void test_tree(void)
{
	uint32_t pid;

	logs_in(1, "-bash");
	forks(1, 11, 12);
	forks(1, 12, 13);
	exits(1, 12);
	forks(1, 11, 14);
	model_find(&model, 1)->tag |= TOP_UNFOLDED;
	draw(SORT_START, SIZE_MAX);
	check(strstr(screen, "  |-sshd (fork)\n") && strstr(screen, "  `-sshd (fork)\n"),
	      "an orphan stands below its nearest ancestor");
	for (pid = 100; pid < 20000; pid++)
		forks(1, pid == 100 ? 14 : pid - 1, pid);
	draw(SORT_START, 80);
	check(rows.n == 2 + 4 + 19900 && widest <= 80, "a chain of 20000 processes");
	reset();
}

static void test_widths(void)
{
	bool good = true, ids = true;
	size_t width;

	logs_in(1, "-bash");
	logs_in(2, "a name with \033[31m, \xff, \xc2\x9b and \xe2\x80\xae that is very, very, "
		   "very long, more so than a terminal of eighty columns is wide");
	logs_in(123, "-bash");
	read_session(1, 123456, 1023 * 1024, UINT32_MAX);
	read_session(2, UINT32_MAX, UINT64_MAX / 4, UINT32_MAX);
	read_process(1, 11, UINT64_MAX - 2, UINT64_MAX - 1)->rss_kb = UINT64_MAX / 1024;
	read_process(2, 21, UINT64_MAX - 2, 1)->cpu_permille = UINT32_MAX;
	model_find(&model, 1)->tag |= TOP_UNFOLDED;
	model_find(&model, 2)->tag |= TOP_UNFOLDED;
	for (width = 1; width < 250; width++) {
		draw(SORT_START, width);
		good &= widest <= width;
		ids &= width < 3 || strstr(screen, "123");
	}
	check(good, "no line is wider than the screen, from 1 to 250 columns");
	check(ids, "and each has the number of its session");
	draw(SORT_START, 80);
	check(strstr(screen, "ID USER") && strstr(screen, "PEER") && strstr(screen, "STATE") &&
		      strstr(screen, "RTT") && strstr(screen, "IN") && strstr(screen, "OUT") &&
		      strstr(screen, "IDLE") && strstr(screen, "FDS") && strstr(screen, "WHAT"),
	      "80 columns hold the most important ones");
	draw(SORT_START, 132);
	check(strstr(screen, "TTY") && strstr(screen, "PROCS") && strstr(screen, "RETRANS") &&
		      strstr(screen, "PORT"),
	      "132 hold all of them");
	check(!strpbrk(screen, "\033\x9b\xff\xe2"), "what a terminal would obey is escaped");
	reset();
}

static void test_many(void)
{
	uint64_t id;

	draw(SORT_START, 80);
	check(rows.n == 0 && strncmp(screen, "ID USER", 7) == 0, "no session at all");
	for (id = 1; id <= 200; id++)
		logs_in(id, "-bash");
	draw(SORT_START, 80);
	check(rows.n == 200 && rows.sessions == 200 && rows.processes == 400, "200 sessions");
	model_find(&model, 7)->tag = 0;
	draw(SORT_START, 80);
	check(rows.n == 199, "a session that is not wanted has no row");
	reset();
}

int main(void)
{
	setlocale(LC_CTYPE, "C");
	readings.device = -1;
	test_many();
	test_readings();
	test_foreground();
	test_tree();
	test_widths();
	free(screen);
	printf("1..%d\n", number);
	return failed ? 1 : 0;
}
