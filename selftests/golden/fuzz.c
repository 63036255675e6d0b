// SPDX-License-Identifier: GPL-2.0
/*
 * Feeds the reader captures that are cut off at every byte (at every 61st one, if they
 * are long), and captures with bytes turned over, under the address and undefined behaviour sanitizers. All
 * views run on each; nothing may crash, hang or leak.
 *
 * Usage: fuzz CAPTURE [ROUNDS [SEED]]
 * With clang, -DLIBFUZZER -fsanitize=fuzzer makes it a libFuzzer target.
 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../kmod/text.h"
#include "../../userspace/model.h"
#include "../../userspace/options.h"
#include "../../userspace/stream.h"
#include "../../userspace/story.h"
#include "../../userspace/term.h"
#include "../../userspace/top_rows.h"
#include "../../userspace/top_view.h"
#include "../../userspace/view_blame.h"
#include "../../userspace/view_diff.h"
#include "../../userspace/view_json.h"
#include "../../userspace/view_lines.h"
#include "../../userspace/view_list.h"
#include "../../userspace/view_negotiation.h"
#include "../../userspace/view_timeline.h"
#include "../../userspace/view_tree.h"
#include "../../userspace/view_waterfall.h"

/* Phases must add up, whatever the capture says. */
static void check_sums(const struct story *story)
{
	const struct login *login = &story->login;
	uint64_t blamed = 0, at = login->start_ns;
	size_t i;

	for (i = 0; i < login->n; i++) {
		const struct phase *phase = &login->phases[i];
		const struct shares *shares = &phase->shares;

		if (phase->start_ns != at || phase->end_ns < at)
			abort();
		at = phase->end_ns;
		if (story->spans.n && shares->cpu_ns + shares->delay_ns + shares->wait_ns +
						      shares->client_ns + shares->network_ns +
						      shares->unknown_ns !=
					      phase_ns(phase))
			abort();
	}
	for (i = 0; i < story->blames.n; i++)
		blamed += story->blames.blames[i].wall_ns;
	if (login->n && (at != login->end_ns || (story->spans.n && blamed != story_ns(story))))
		abort();
}

static void view_story(const struct model *model, struct session *session,
		       const struct story *other, const struct origin *origin)
{
	struct story story;

	if (story_tell(model, session, &story))
		abort();
	check_sums(&story);
	if (story.login.n)
		view_waterfall(&story, true);
	view_blame(&story, true);
	view_blame_json(&story, origin);
	view_diff(other ?: &story, &story, true);
	view_diff_json(&story, other ?: &story, origin);
	view_json_session(model, session, origin, true, &story);
	story_free(&story);
}

static size_t columns;

static void put_plain(void *to, const char *text, enum tint tint)
{
	columns += term_columns(text);
	fputs(text, to);
}

static void end_plain(void *to)
{
	if (columns > 80)
		abort();
	columns = 0;
	fputc('\n', to);
}

static void view_top(struct model *model, const struct origin *origin)
{
	struct canvas canvas = { put_plain, end_plain, stdout };
	struct readings readings = { .device = -1 };
	struct session *session;
	struct layout layout;
	struct top_rows rows;
	size_t i;

	for (session = model->sessions; session; session = session->next)
		session->tag = TOP_WANTED | TOP_UNFOLDED;
	if (top_rows_make(&rows, model, &readings, SORT_FDS, origin->local))
		abort();
	top_view_layout(&layout, &rows, 80);
	for (i = 0; i < rows.n; i++)
		top_view_row(&canvas, &layout, &rows.rows[i]);
	top_rows_free(&rows);
}

static void view_all(struct model *model, const struct origin *origin)
{
	struct session *session;
	struct story first;
	size_t n = 0;

	for (session = model->sessions; session; session = session->next) {
		if (!n++ && story_tell(model, session, &first))
			abort();
		view_list(model, &session, 1, origin);
		view_summary(model, session, origin);
		if (session->negotiation)
			view_negotiation(session->negotiation, true);
		view_timeline(session, origin, false);
		view_timeline(session, origin, true);
		view_process_table(model, session, origin, true);
		view_tree(session, origin, false);
		view_json_session(model, session, origin, true, NULL);
		view_story(model, session, n ? &first : NULL, origin);
	}
	if (n)
		story_free(&first);
	view_top(model, origin);
}

/* Returns how the stream ended. */
static int read_all(const void *data, size_t size, enum model_keep keep, bool forget)
{
	struct stream *stream;
	struct model model;
	struct event event;
	int ret = stream_open_memory(&stream, data, size);

	if (ret)
		return ret;
	model_init(&model, keep, forget);
	while ((ret = stream_next(stream, &event)) > 0) {
		view_line(&event, OUTPUT_SHORT);
		view_line(&event, OUTPUT_SHORT_ISO);
		view_json_event(&event, stream_origin(stream));
		if (model_fold(&model, &event, NULL))
			abort();
	}
	view_all(&model, stream_origin(stream));
	model_free(&model);
	stream_close(stream);
	return ret;
}

static void quiet(void)
{
	static const struct options options = { .color = COLOR_ALWAYS };

	setlocale(LC_CTYPE, "C.UTF-8");
	if (!freopen("/dev/null", "w", stdout))
		exit(1);
	term_init(&options);
}

#ifdef LIBFUZZER
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	quiet();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_all(data, size, KEEP_ALL, false);
	return 0;
}
#else
static unsigned char *slurp(const char *path, size_t *size)
{
	FILE *file = fopen(path, "r");
	unsigned char *data;
	long end;

	if (!file || fseek(file, 0, SEEK_END) || (end = ftell(file)) < 0)
		return NULL;
	rewind(file);
	*size = (size_t)end;
	data = malloc(*size);
	if (data && fread(data, 1, *size, file) != *size)
		data = NULL;
	fclose(file);
	return data;
}

static uint64_t state;

/* xorshift: the same everywhere for the same seed. */
static uint64_t random_number(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

/* Of a long capture, only some of its bytes: the time that it takes grows with the square. */
#define LONG 32768

static int cut_everywhere(const unsigned char *data, size_t size)
{
	size_t step = size > LONG ? 61 : 1;
	size_t cut;

	for (cut = 0; cut <= size; cut += step) {
		/* A copy of its own, so that each byte beyond it is a finding. */
		unsigned char *copy = malloc(cut ? cut : 1);
		int ret;

		memcpy(copy, data, cut);
		ret = read_all(copy, cut, cut / step % 64 ? KEEP_NONE : KEEP_ALL, cut % 2);
		free(copy);
		if (ret && ret != STREAM_FOREIGN) {
			fprintf(stderr, "cut at %zu: %d\n", cut, ret);
			return 1;
		}
	}
	return 0;
}

static void turn_bytes(const unsigned char *data, size_t size, unsigned long rounds)
{
	static const unsigned char values[] = { 0, 1, 7, 8, 0x7f, 0x80, 0xff };
	unsigned char *copy = malloc(size);

	while (rounds--) {
		uint64_t n = 1 + random_number(8);

		memcpy(copy, data, size);
		while (n--)
			copy[random_number(size)] = random_number(2) ?
							    values[random_number(sizeof(values))] :
							    (unsigned char)random_number(256);
		read_all(copy, size, KEEP_ALL, false);
	}
	free(copy);
}

int main(int argc, char **argv)
{
	unsigned long rounds = argc > 2 ? strtoul(argv[2], NULL, 0) : 300;
	unsigned char *data;
	size_t size;

	state = argc > 3 ? strtoull(argv[3], NULL, 0) : 88172645463325252ULL;
	if (argc < 2)
		return 64;
	data = slurp(argv[1], &size);
	if (!data)
		return 1;
	quiet();
	if (cut_everywhere(data, size))
		return 1;
	turn_bytes(data, size, rounds);
	free(data);
	return 0;
}
#endif
