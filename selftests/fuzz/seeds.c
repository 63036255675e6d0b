// SPDX-License-Identifier: GPL-2.0
/*
 * Makes the inputs that fuzzing begins with, out of the golden captures, the golden lines of the
 * log and made-up processes.
 *
 * Usage: seeds FOLDER CAPTURE...; FOLDER has one for each target. Lines come on the standard input.
 */
#include <stdlib.h>
#include <string.h>

#include "../../userspace/capture.h"
#include "../../userspace/stream.h"
#include "../golden/fake-processes.h"

/* Sessions of one capture; of each, the records and the clear text become a seed. */
#define SESSIONS 80

static const char *folder;
static unsigned int count;

static FILE *seed(const char *target)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s/%04u", folder, target, count++);
	file = fopen(path, "w");
	if (!file) {
		perror(path);
		exit(1);
	}
	return file;
}

static void finish(FILE *file)
{
	if (file && fclose(file)) {
		perror("seeds");
		exit(1);
	}
}

static void put_number(FILE *file, size_t number, size_t bytes)
{
	for (; bytes--; number >>= 8)
		fputc((int)(number & 0xff), file);
}

static void put_wire(FILE *file, const struct sshobs_wire *wire)
{
	fputc(wire->direction | wire->flags << 1 | (wire->message_len ? 0x20 : 0), file);
	put_number(file, wire->data_len, 2);
	fwrite(wire->data, wire->data_len, 1, file);
}

static void put_record(const struct event *event)
{
	FILE *file = seed("text");

	fputc(event->hdr->type, file);
	fputc(event->hdr->hdr_len < sizeof(*event->hdr), file);
	fwrite(event->hdr->comm, sizeof(event->hdr->comm), 1, file);
	fwrite(event->body, event->hdr->len - event->hdr->hdr_len, 1, file);
	finish(file);
}

static void put_words(const void *words, size_t len)
{
	FILE *file = seed("words");

	fwrite(words, len, 1, file);
	finish(file);
}

static void put_parts(const struct event *event)
{
	FILE *file;

	put_record(event);
	switch (event->hdr->type) {
	case SSHOBS_EXEC:
		put_words(event->data, event->exec->path_len + event->exec->argv_len);
		break;
	case SSHOBS_CONNECT:
		put_words(event->data, event->connect->path_len);
		break;
	case SSHOBS_LOG:
		file = seed("logline");
		fwrite(event->data, event->log->text_len, 1, file);
		finish(file);
		break;
	}
}

static void split_capture(const char *path)
{
	FILE *captures[SESSIONS] = { 0 }, *wires[SESSIONS] = { 0 };
	struct stream *stream;
	struct event event;
	unsigned int i;

	if (stream_open_file(&stream, path)) {
		fprintf(stderr, "seeds: %s: no capture\n", path);
		exit(1);
	}
	while (stream_next(stream, &event) > 0) {
		i = (unsigned int)(event.hdr->session % SESSIONS);
		put_parts(&event);
		if (!captures[i]) {
			captures[i] = seed("capture");
			capture_write(captures[i], stream_origin(stream));
		}
		fwrite(event.hdr, event.hdr->len, 1, captures[i]);
		if (event.hdr->type != SSHOBS_WIRE)
			continue;
		wires[i] = wires[i] ?: seed("wire");
		put_wire(wires[i], event.wire);
	}
	for (i = 0; i < SESSIONS; i++) {
		finish(captures[i]);
		finish(wires[i]);
	}
	stream_close(stream);
}

static void put_scene(const char *scene)
{
	FILE *file = seed("inspect");
	size_t i, part;

	if (fake_scene(scene))
		abort();
	for (i = 0; i < n_fakes; i++)
		for (part = 0; part < FAKE_PARTS; part++) {
			put_number(file, fakes[i].error[part] ? 0xffff : fakes[i].len[part], 2);
			if (!fakes[i].error[part])
				fwrite(fakes[i].bytes[part], fakes[i].len[part], 1, file);
		}
	finish(file);
	fake_forget();
}

static void put_lines(void)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	while ((len = getline(&line, &size, stdin)) > 0) {
		FILE *file = seed("logline");

		fwrite(line, (size_t)len, 1, file);
		finish(file);
	}
	free(line);
}

int main(int argc, char **argv)
{
	static const char *const scenes[] = { "openssh-8.4", "openssh-10", "dropbear",
					      "tmux",	     "left",	   "hostile" };
	static const char *const times[] = {
		"2026-11-22 10:00:00",	  "10:00", "yesterday", "@1.5", "1h 30min ago",
		"2026-11-22T10:00:00.5Z", "0.5"
	};
	size_t i;

	if (argc < 3)
		return 64;
	folder = argv[1];
	for (argv += 2; *argv; argv++)
		split_capture(*argv);
	for (i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++)
		put_scene(scenes[i]);
	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		put_words(times[i], strlen(times[i]));
	put_lines();
	return 0;
}
