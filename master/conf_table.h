/* SPDX-License-Identifier: ISC */
/* conf_table - reads a libconfig group by a table of the keys it may have. */
#ifndef POSTERN_MASTER_CONF_TABLE_H
#define POSTERN_MASTER_CONF_TABLE_H

#include <libconfig.h>

#include "master/conf.h"

struct conf_reader {
	struct configuration *conf;
	struct conf_problems *problems;
};

enum conf_kind {
	CONF_NUMBER, /* a uint32_t, from min to max */
	CONF_CHOICE, /* a uint32_t: the index of one of the choices */
	CONF_TEXT,   /* char[max + 1], of at least min characters */
	CONF_PATH,   /* char *, absolute */
	CONF_GROUP,  /* a group with keys of its own, of the same target */
	CONF_OTHER,  /* set() does it all */
};

struct conf_key {
	const char *name;
	enum conf_kind kind;
	size_t offset; /* of the member in the target */
	uint32_t min;
	uint32_t max;
	uint32_t fallback; /* the default of a CONF_NUMBER or CONF_CHOICE */
	const char *unit;
	const char *const *choices;  /* ends with NULL */
	const struct conf_key *keys; /* CONF_GROUP; ends with a NULL name */
	void (*set)(struct conf_reader *, const config_setting_t *, void *target);
};

/* Sets the defaults of a table (which ends with a NULL name), its groups included. */
void conf_table_defaults(const struct conf_key *, void *target);

/* Reads GROUP into TARGET; every unknown key, wrong type and value out of range is a problem. */
void conf_table_read(struct conf_reader *, const config_setting_t *group, const struct conf_key *,
		     void *target);

/* Sets one setting as KEY says. */
void conf_set(struct conf_reader *, const struct conf_key *, const config_setting_t *,
	      void *target);

/* -- For set() functions -------------------------------------------------------- */

struct conf_where conf_where(struct conf_reader *, const config_setting_t *);

/* A problem with a setting: "NAME TEXT", where NAME is as in "limits.sessions". */
void conf_bad(struct conf_reader *, const config_setting_t *, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* true or false; of anything else a problem is noted, and OUT stays. */
void conf_set_bool(struct conf_reader *, const config_setting_t *, bool *out);

/*
 * Calls EACH for every string of a string, an array or a list of strings. False (and a problem) if
 * it is something else, or empty.
 */
typedef void conf_string_fn(struct conf_reader *, const config_setting_t *, const char *,
			    void *target);
bool conf_strings(struct conf_reader *, const config_setting_t *, const char *what,
		  conf_string_fn *each, void *target);

#endif
