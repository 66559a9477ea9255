/* SPDX-License-Identifier: ISC */
/* certificates = ( { name = "mail.example.org"; watch = "/etc/letsencrypt/live/mail.example.org"; }
 * ) */
#include <stdlib.h>
#include <string.h>

#include "common/cert_name.h"
#include "master/conf_keys.h"

static void
set_name(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	struct conf_watch *w = target;
	const char *text = config_setting_get_string(setting);

	if (text == NULL || !cert_name_valid(text))
		conf_bad(r, setting, "must be the name of a certificate: %s", CERT_NAME_RULE);
	else
		strlcpy(w->name, text, sizeof(w->name));
}

#define OFFSET(member) offsetof(struct conf_watch, member)
static const struct conf_key watch_keys[] = {
    {.name = "name", .kind = CONF_OTHER, .set = set_name},
    {.name = "watch", .kind = CONF_PATH, .offset = OFFSET(folder)},
    {0},
};

/* What the table cannot say about one. */
static void
finish(struct conf_reader *r, const config_setting_t *element, const struct conf_watch *w)
{
	const struct configuration *conf = r->conf;

	if (config_setting_get_member(element, "name") == NULL ||
	    config_setting_get_member(element, "watch") == NULL) {
		conf_problem(r->problems, w->where,
			     "a certificate needs both name = \"NAME\" and watch = \"/FOLDER\"");
		return;
	}
	for (size_t i = 0; i + 1 < conf->watch_count; i++) {
		if (strcmp(conf->watches[i].name, w->name) == 0)
			conf_problem(r->problems, w->where, "the certificate \"%s\" is named twice",
				     w->name);
	}
}

void
conf_set_watches(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	struct configuration *conf = target;
	int length = config_setting_is_list(setting) ? config_setting_length(setting) : 0;

	if (length == 0) {
		conf_bad(r, setting,
			 "must be a list: certificates = ( { name = \"NAME\"; watch = "
			 "\"/FOLDER\"; } );");
		return;
	}
	if (length > CONF_WATCHES_MAX) {
		conf_bad(r, setting, "has more than %d certificates", CONF_WATCHES_MAX);
		return;
	}
	conf->watches = calloc((size_t)length, sizeof(*conf->watches));
	for (int i = 0; conf->watches != NULL && i < length; i++) {
		const config_setting_t *element = config_setting_get_elem(setting, (unsigned)i);
		struct conf_watch *w = &conf->watches[conf->watch_count];

		if (!config_setting_is_group(element)) {
			conf_bad(r, element, "must hold groups: { name = \"NAME\"; }");
			continue;
		}
		conf->watch_count++;
		w->where = conf_where(r, element);
		conf_table_read(r, element, watch_keys, w);
		finish(r, element, w);
	}
}
