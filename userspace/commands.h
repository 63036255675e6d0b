/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The subcommands. Each one returns the exit status, has printed why it is not 0,
 * and leaves the standard output to term_finish().
 */
#ifndef _SSHOBS_COMMANDS_H
#define _SSHOBS_COMMANDS_H

#include "options.h"
#include "stream.h"

/** command_follow() - print records as they come, or those there are */
int command_follow(const struct options *options);

/** command_record() - write a capture file */
int command_record(const struct options *options);

/** command_list() - a table of the sessions */
int command_list(const struct options *options);

/** command_show() - the story of one session */
int command_show(const struct options *options);

/** command_blame() - who one session waited for */
int command_blame(const struct options *options);

/** command_diff() - what made the difference between two sessions */
int command_diff(const struct options *options);

/** command_tree() - the processes of one session */
int command_tree(const struct options *options);

/** command_top() - the sessions that are up, live */
int command_top(const struct options *options);
/** command_inspect() - the live processes of one session, or one process, as they are now */
int command_inspect(const struct options *options);

/** command_status() - the state of the module */
int command_status(const struct options *options);

/** command_load() - load the module */
int command_load(const struct options *options);

/** command_unload() - unload it */
int command_unload(const struct options *options);

/**
 * open_source() - open what the options say: a capture, or the device
 * @options: the command line
 * @stream: out: the stream; stream_close() it
 *
 * Return: 0, or the exit status; why was said.
 */
int open_source(const struct options *options, struct stream **stream);

/**
 * read_failed() - say why a source cannot be read on
 * @options: the command line
 * @stream: the stream
 * @err: what stream_next() returned
 *
 * Return: the exit status.
 */
int read_failed(const struct options *options, const struct stream *stream, int err);

/** warn_cut() - tell that a capture ends in the middle of a record, if it does */
void warn_cut(const struct options *options, const struct stream *stream);

/** in_window() - whether an event is within --since and --until */
bool in_window(const struct options *options, const struct event *event);

#endif /* _SSHOBS_COMMANDS_H */
