// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "format.h"

typedef unsigned long long ull;

const char *format_duration(char *buf, uint64_t ns)
{
	uint64_t s = ns / NS_PER_SEC;

	if (ns < 1000000)
		snprintf(buf, FORMAT_MAX, "%llu us", (ull)(ns / 1000));
	else if (ns < 100000000)
		snprintf(buf, FORMAT_MAX, "%llu.%llu ms", (ull)(ns / 1000000),
			 (ull)(ns / 100000 % 10));
	else if (s < 1)
		snprintf(buf, FORMAT_MAX, "%llu ms", (ull)(ns / 1000000));
	else if (s < 60)
		snprintf(buf, FORMAT_MAX, "%llu.%03llu s", (ull)s, (ull)(ns / 1000000 % 1000));
	else if (s < 3600)
		snprintf(buf, FORMAT_MAX, "%llum %02llus", (ull)(s / 60), (ull)(s % 60));
	else if (s < 86400)
		snprintf(buf, FORMAT_MAX, "%lluh %02llum", (ull)(s / 3600), (ull)(s / 60 % 60));
	else
		snprintf(buf, FORMAT_MAX, "%llud %lluh", (ull)(s / 86400), (ull)(s / 3600 % 24));
	return buf;
}

/* Seconds rounded down, and the rest, also before 1970. */
static time_t split(int64_t ns, long *rest)
{
	int64_t s = ns / NS_PER_SEC;

	*rest = (long)(ns % NS_PER_SEC);
	if (*rest < 0) {
		*rest += NS_PER_SEC;
		s--;
	}
	return (time_t)s;
}

static size_t put_time(char *buf, const char *fmt, int64_t realtime_ns, bool utc, long *rest)
{
	time_t s = split(realtime_ns, rest);
	struct tm tm;

	if (!(utc ? gmtime_r(&s, &tm) : localtime_r(&s, &tm)))
		memset(&tm, 0, sizeof(tm));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	return strftime(buf, FORMAT_MAX, fmt, &tm);
#pragma GCC diagnostic pop
}

const char *format_utc(char *buf, int64_t realtime_ns)
{
	long rest;
	size_t n = put_time(buf, "%Y-%m-%dT%H:%M:%S", realtime_ns, true, &rest);

	snprintf(buf + n, FORMAT_MAX - n, ".%09ldZ", rest);
	return buf;
}

const char *format_local(char *buf, int64_t realtime_ns)
{
	char zone[FORMAT_MAX];
	long rest;
	size_t n;

	put_time(zone, "%z", realtime_ns, false, &rest);
	n = put_time(buf, "%Y-%m-%dT%H:%M:%S", realtime_ns, false, &rest);
	snprintf(buf + n, FORMAT_MAX - n, ".%06ld%.3s:%.2s", rest / 1000, zone,
		 strlen(zone) == 5 ? zone + 3 : "00");
	return buf;
}

const char *format_day(char *buf, int64_t realtime_ns)
{
	char zone[FORMAT_MAX];
	long rest;
	size_t n;

	put_time(zone, "%Z", realtime_ns, false, &rest);
	n = put_time(buf, "%a %Y-%m-%d %H:%M:%S", realtime_ns, false, &rest);
	snprintf(buf + n, FORMAT_MAX - n, ".%03ld %.16s", rest / 1000000, zone);
	return buf;
}

const char *format_start(char *buf, int64_t realtime_ns, bool brief)
{
	long rest;

	put_time(buf, brief ? "%m-%d %H:%M:%S" : "%Y-%m-%d %H:%M:%S", realtime_ns, false, &rest);
	return buf;
}

const char *format_address(char *buf, const struct sshobs_endpoint *end)
{
	size_t n;

	buf[0] = '\0';
	if (end->family == AF_INET || end->family == AF_INET6)
		inet_ntop(end->family, end->addr, buf, FORMAT_MAX);
	n = strlen(buf);
	if (end->family == AF_INET6 && end->scope_id)
		snprintf(buf + n, FORMAT_MAX - n, "%%%u", end->scope_id);
	return buf;
}

const char *format_endpoint(char *buf, const struct sshobs_endpoint *end)
{
	char addr[FORMAT_MAX];

	format_address(addr, end);
	if (end->family == AF_INET6)
		snprintf(buf, FORMAT_MAX, "[%.60s]:%u", addr, end->port);
	else if (addr[0])
		snprintf(buf, FORMAT_MAX, "%.60s:%u", addr, end->port);
	else
		snprintf(buf, FORMAT_MAX, "?");
	return buf;
}

/* A name may come over the network: each user id is asked for once. */
static const char *local_name(uint32_t uid)
{
	static struct {
		bool asked;
		uint32_t uid;
		char name[FORMAT_MAX];
	} cache[64];
	size_t slot = uid % (sizeof(cache) / sizeof(cache[0]));
	const struct passwd *pw;

	if (cache[slot].asked && cache[slot].uid == uid)
		return cache[slot].name;
	pw = getpwuid(uid);
	cache[slot].asked = true;
	cache[slot].uid = uid;
	snprintf(cache[slot].name, FORMAT_MAX, "%s", pw ? pw->pw_name : "");
	return cache[slot].name;
}

const char *format_user(char *buf, uint32_t uid, bool local)
{
	const char *name = uid == 0 ? "root" : local ? local_name(uid) : "";

	if (*name)
		snprintf(buf, FORMAT_MAX, "%s", name);
	else
		snprintf(buf, FORMAT_MAX, "%u", uid);
	return buf;
}

int64_t now_realtime_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * NS_PER_SEC + ts.tv_nsec;
}

uint64_t now_monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_SEC + (uint64_t)ts.tv_nsec;
}

bool parse_number(const char *text, uint64_t max, uint64_t *number)
{
	char *end;
	ull n;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || *end || n > max)
		return false;
	*number = n;
	return true;
}

/* clang-format off */
static const struct {
	const char *name;
	int64_t ns;
} units[] = {
	{ "", NS_PER_SEC }, { "s", NS_PER_SEC }, { "sec", NS_PER_SEC },
	{ "second", NS_PER_SEC }, { "seconds", NS_PER_SEC },
	{ "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "msec", 1000000 },
	{ "m", 60 * NS_PER_SEC }, { "min", 60 * NS_PER_SEC },
	{ "minute", 60 * NS_PER_SEC }, { "minutes", 60 * NS_PER_SEC },
	{ "h", 3600 * NS_PER_SEC }, { "hr", 3600 * NS_PER_SEC },
	{ "hour", 3600 * NS_PER_SEC }, { "hours", 3600 * NS_PER_SEC },
	{ "d", 86400 * NS_PER_SEC }, { "day", 86400 * NS_PER_SEC },
	{ "days", 86400 * NS_PER_SEC },
	{ "w", 7 * 86400 * NS_PER_SEC }, { "week", 7 * 86400 * NS_PER_SEC },
	{ "weeks", 7 * 86400 * NS_PER_SEC },
};
/* clang-format on */

static bool find_unit(const char *name, size_t len, int64_t *ns)
{
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strlen(units[i].name) == len && strncmp(units[i].name, name, len) == 0) {
			*ns = units[i].ns;
			return true;
		}
	}
	return false;
}

/* "5min", "1h 30min"; stops at the end or at "ago". A century at the most. */
static bool parse_span(const char *text, int64_t *ns, const char **rest)
{
	int64_t sum = 0;

	do {
		int64_t unit;
		char *end;
		double n = strtod(text, &end);
		size_t len;

		if (end == text || !isdigit((unsigned char)text[0]))
			return false;
		end += strspn(end, " ");
		len = strspn(end, "abcdefghijklmnopqrstuvwxyz");
		if (len == 3 && strncmp(end, "ago", 3) == 0)
			len = 0;
		if (!find_unit(end, len, &unit) || n * (double)unit > 3.2e18)
			return false;
		sum += (int64_t)(n * (double)unit);
		if (sum > 3200000000LL * NS_PER_SEC)
			return false;
		text = end + len;
		text += strspn(text, " ");
	} while (isdigit((unsigned char)*text));
	*ns = sum;
	*rest = text;
	return true;
}

static bool parse_relative(const char *text, int64_t now_ns, int64_t *ns)
{
	const char *rest;
	int64_t span;
	bool ago;

	if (*text == '-' || *text == '+') {
		if (!parse_span(text + 1, &span, &rest) || *rest)
			return false;
		*ns = *text == '-' ? now_ns - span : now_ns + span;
		return true;
	}
	if (!parse_span(text, &span, &rest))
		return false;
	ago = strcmp(rest, "ago") == 0;
	*ns = now_ns - span;
	return ago;
}

/* Fraction of a second after a '.', in ns. */
static bool parse_fraction(const char *text, int64_t *ns)
{
	int64_t scale = NS_PER_SEC;

	*ns = 0;
	if (!*text)
		return true;
	if (text[0] != '.' || !text[1])
		return false;
	for (text++; *text; text++) {
		if (!isdigit((unsigned char)*text))
			return false;
		scale /= 10;
		*ns += (*text - '0') * scale;
	}
	return true;
}

static bool parse_date(const char *text, int64_t now_ns, int64_t *ns)
{
	static const char *const formats[] = {
		"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M",
		"%Y-%m-%d",	     "%H:%M:%S",	  "%H:%M",
	};
	size_t n = strlen(text);
	bool utc = n && text[n - 1] == 'Z';
	char copy[FORMAT_MAX];
	long rest;
	time_t now = split(now_ns, &rest);
	size_t i;

	if (n >= sizeof(copy))
		return false;
	memcpy(copy, text, n + 1);
	if (utc)
		copy[n - 1] = '\0';
	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct tm tm;
		const char *end;

		if (utc)
			gmtime_r(&now, &tm);
		else
			localtime_r(&now, &tm);
		tm.tm_hour = 0;
		tm.tm_min = 0;
		tm.tm_sec = 0;
		tm.tm_isdst = utc ? 0 : -1;
		end = strptime(copy, formats[i], &tm);
		if (!end || !parse_fraction(end, ns))
			continue;
		now = utc ? timegm(&tm) : mktime(&tm);
		/* What fits into 64 bits of nanoseconds. */
		if (now < -9000000000LL || now > 9000000000LL)
			return false;
		*ns += (int64_t)now * NS_PER_SEC;
		return true;
	}
	return false;
}

static bool parse_epoch(const char *text, int64_t *ns)
{
	size_t n = strspn(text, "0123456789");
	int64_t fraction;

	if (!n || n > 10 || !parse_fraction(text + n, &fraction))
		return false;
	*ns = strtoll(text, NULL, 10);
	if (*ns > INT64_MAX / NS_PER_SEC - 1)
		return false;
	*ns = *ns * NS_PER_SEC + fraction;
	return true;
}

bool parse_time(const char *text, int64_t now_ns, int64_t *ns)
{
	if (strcmp(text, "now") == 0) {
		*ns = now_ns;
		return true;
	}
	if (strcmp(text, "today") == 0)
		return parse_date("00:00", now_ns, ns);
	if (strcmp(text, "yesterday") == 0)
		return parse_date("00:00", now_ns - 86400 * NS_PER_SEC, ns);
	if (*text == '@')
		return parse_epoch(text + 1, ns);
	return parse_relative(text, now_ns, ns) || parse_date(text, now_ns, ns);
}

bool parse_delay(const char *text, uint64_t *ns)
{
	char *end;
	double s;

	if (text[0] != '.' && !isdigit((unsigned char)text[0]))
		return false;
	s = strtod(text, &end);
	if (*end || !(s >= 0.1 && s <= 3600))
		return false;
	*ns = (uint64_t)(s * NS_PER_SEC);
	return true;
}
