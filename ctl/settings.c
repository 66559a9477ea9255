/* SPDX-License-Identifier: ISC */
#include "ctl/settings.h"

#include <libconfig.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"

int
ctl_settings_load(struct ctl_settings *settings, struct error *err)
{
	config_t config;
	const char *text;
	const config_setting_t *domains;
	int result = 0;

	memset(settings, 0, sizeof(*settings));
	config_init(&config);
	if (config_read_file(&config, ctl_options.conf) != CONFIG_TRUE) {
		result = error_set(err, "%s: %s", ctl_options.conf, config_error_text(&config));
	} else {
		if (config_lookup_string(&config, "state", &text) != CONFIG_TRUE)
			text = STATEDIR;
		strlcpy(settings->state, text, sizeof(settings->state));
		if (config_lookup_string(&config, "accounts", &text) == CONFIG_TRUE)
			strlcpy(settings->accounts, text, sizeof(settings->accounts));
		else
			snprintf(settings->accounts, sizeof(settings->accounts),
				 "%.*s/accounts.conf",
				 (int)(strrchr(ctl_options.conf, '/') - ctl_options.conf),
				 ctl_options.conf);
		domains = config_lookup(&config, "domains");
		if (domains != NULL) {
			settings->domain_count = (size_t)config_setting_length(domains);
			settings->domains = calloc(settings->domain_count, sizeof(char *));
			for (size_t i = 0; i < settings->domain_count; i++)
				settings->domains[i] =
				    strdup(config_setting_get_string_elem(domains, (int)i));
		}
	}
	config_destroy(&config);
	return result;
}

void
ctl_settings_free(struct ctl_settings *settings)
{
	for (size_t i = 0; i < settings->domain_count; i++)
		free((void *)(uintptr_t)settings->domains[i]);
	free(settings->domains);
}
