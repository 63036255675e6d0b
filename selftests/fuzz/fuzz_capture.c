// SPDX-License-Identifier: GPL-2.0
/*
 * A capture file, through the stream, the model and all views of it.
 */
#include <stdlib.h>
#include <string.h>

#include "../../userspace/capture.h"
#include "../../userspace/model.h"
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
#include "fuzz.h"

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

	for (session = model->sessions; session; session = session->hh.next)
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

	for (session = model->sessions; session; session = session->hh.next) {
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

static void view_event(const struct event *event, const struct origin *origin)
{
	view_line(event, OUTPUT_SHORT);
	view_line(event, OUTPUT_SHORT_ISO);
	view_json_event(event, origin);
}

/* What ends before the capture does is cut off, and nothing worse. */
static void read_prefix(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size);
	struct stream *stream;
	struct event event;
	int ret;

	if (!copy)
		abort();
	memcpy(copy, data, size);
	ret = stream_open_memory(&stream, copy, size);
	if (ret && ret != STREAM_FOREIGN)
		abort();
	while (!ret && (ret = stream_next(stream, &event)) > 0)
		ret = 0;
	if (ret < 0 && ret != STREAM_FOREIGN)
		abort();
	if (ret != STREAM_FOREIGN)
		stream_close(stream);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Three ways to read it; the last one is that of the live view. */
	unsigned int way = size ? data[size - 1] % 3 : 0;
	struct stream *stream;
	struct model model;
	struct event event;
	int ret = stream_open_memory(&stream, data, size);

	if (ret)
		return 0;
	out_begin();
	model_init(&model, way ? KEEP_NONE : KEEP_ALL, way == 2);
	while ((ret = stream_next(stream, &event)) > 0) {
		view_event(&event, stream_origin(stream));
		if (model_fold(&model, &event, NULL))
			abort();
	}
	view_all(&model, stream_origin(stream));
	model_free(&model);
	stream_close(stream);
	free(out_end(NULL));
	if (!ret)
		read_prefix(data, size * 7 / 11);
	return 0;
}

/* --- mutations that leave the other records where they are --------------------------- */

/* Where the records of a capture are. */
struct records {
	size_t at[512];
	size_t n;
	size_t end;
};

static uint32_t record_len(const uint8_t *record)
{
	uint32_t len;

	memcpy(&len, record, sizeof(len));
	return len;
}

static void find_records(const uint8_t *data, size_t size, struct records *records)
{
	size_t at = CAPTURE_HEADER_MIN;

	records->n = 0;
	while (at + sizeof(struct sshobs_hdr) <= size && records->n < 512) {
		uint32_t len = record_len(data + at);

		if (len < sizeof(struct sshobs_hdr) || len > size - at)
			break;
		records->at[records->n++] = at;
		at += len;
	}
	records->end = at;
}

/* Everything in a record but its lengths: @size stays. */
static size_t mutate_record(uint8_t *record, size_t size)
{
	size_t kept = offsetof(struct sshobs_hdr, type);

	LLVMFuzzerMutate(record + kept, record_len(record) - kept, record_len(record) - kept);
	return size;
}

static size_t remove_record(uint8_t *data, size_t size, size_t at)
{
	uint32_t len = record_len(data + at);

	memmove(data + at, data + at + len, size - at - len);
	return size - len;
}

static size_t repeat_record(uint8_t *data, size_t size, size_t max_size, size_t from, size_t to)
{
	uint32_t len = record_len(data + from);
	uint8_t *copy;

	if (size + len > max_size)
		return size;
	copy = malloc(len);
	if (!copy)
		abort();
	memcpy(copy, data + from, len);
	memmove(data + to + len, data + to, size - to);
	memcpy(data + to, copy, len);
	free(copy);
	return size + len;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	struct records records;
	size_t one, other;

	find_records(data, size, &records);
	if (!records.n || seed % 8 == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	one = records.at[seed / 8 % records.n];
	other = records.at[seed / 4096 % records.n];
	switch (seed % 8) {
	case 1:
		return remove_record(data, size, one);
	case 2:
		return repeat_record(data, size, max_size, one, other);
	}
	return mutate_record(data + one, size);
}
