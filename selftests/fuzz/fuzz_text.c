// SPDX-License-Identifier: GPL-2.0
/*
 * One record as a line of text, by kmod/text.c, and as JSON. An input is the type of the record, a
 * byte whose lowest bit says of which version, the name of the task and the body.
 */
#include <stdlib.h>
#include <string.h>

#include "../../kmod/text.h"
#include "../../userspace/capture.h"
#include "../../userspace/view_json.h"
#include "../../userspace/view_lines.h"
#include "fuzz.h"

/* A capture of one record. */
static void *make_capture(struct input *input, size_t *size)
{
	struct sshobs_hdr hdr = {
		.seq = 7, .time_ns = 1234567890, .session = 3, .pid = 4, .tid = 5
	};
	size_t body;
	char *capture;
	FILE *file = open_memstream(&capture, size);

	hdr.type = (uint16_t)input_number(input, 1);
	hdr.hdr_len = input_number(input, 1) & 1 ? offsetof(struct sshobs_hdr, run_delay_ns) :
						   sizeof(hdr);
	body = input->left > sizeof(hdr.comm) ? input->left - sizeof(hdr.comm) : 0;
	hdr.len = (uint32_t)(hdr.hdr_len + ((body + 7) & ~(size_t)7));
	memcpy(hdr.comm, input->at, input->left - body);
	if (!file || capture_write(file, &fuzz_origin))
		abort();
	fwrite(&hdr, hdr.hdr_len, 1, file);
	fwrite(input->at + input->left - body, 1, body, file);
	fwrite("\0\0\0\0\0\0\0", hdr.len - hdr.hdr_len - body, 1, file);
	if (fclose(file))
		abort();
	return capture;
}

static bool is_line(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i + 1 < len; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return len && text[len - 1] == '\n';
}

/* The whole line, and one that there is no room for. */
static void check_line(const struct sshobs_hdr *hdr)
{
	size_t size = hdr->seq + hdr->len / 3, len, cut;
	char *whole = malloc(SSHOBS_TEXT_MAX), *room = malloc(size);

	len = sshobs_text(hdr, whole, SSHOBS_TEXT_MAX);
	if (!is_line(whole, len) || (hdr->len <= SSHOBS_RECORD_MAX && len == SSHOBS_TEXT_MAX))
		abort();
	cut = sshobs_text(hdr, room, size);
	if (cut != (len < size ? len : size) || !is_line(room, cut) ||
	    memcmp(whole, room, cut - 1) != 0)
		abort();
	free(whole);
	free(room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	struct stream *stream;
	struct event event;
	size_t capture_size;
	void *capture = make_capture(&input, &capture_size);

	if (stream_open_memory(&stream, capture, capture_size))
		abort();
	if (stream_next(stream, &event) > 0) {
		check_line(event.hdr);
		out_begin();
		view_line(&event, OUTPUT_SHORT);
		view_line(&event, OUTPUT_SHORT_ISO);
		free(out_end(NULL));
		out_begin();
		view_json_event(&event, stream_origin(stream));
		out_end_json();
	}
	stream_close(stream);
	free(capture);
	return 0;
}
