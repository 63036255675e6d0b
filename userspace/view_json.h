/* SPDX-License-Identifier: GPL-2.0 */
/*
 * JSON: an object a line. Names are snake_case and mean the same everywhere;
 * numbers of 64 bits are exact; bytes that are not UTF-8 are replaced by U+FFFD
 * and kept in a sibling that ends in _b64.
 */
#ifndef _SSHOBS_VIEW_JSON_H
#define _SSHOBS_VIEW_JSON_H

#include "story.h"
#include "stream.h"

/** view_json_event() - print an event */
void view_json_event(const struct event *event, const struct origin *origin);

/**
 * view_json_session() - print a session
 * @model: where it belongs to
 * @session: the session
 * @origin: where the stream was recorded
 * @processes: with the array of its processes
 * @story: with its phases and totals; NULL: without them
 */
void view_json_session(const struct model *model, const struct session *session,
		       const struct origin *origin, bool processes, const struct story *story);

#endif /* _SSHOBS_VIEW_JSON_H */
