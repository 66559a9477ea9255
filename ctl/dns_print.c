/* SPDX-License-Identifier: ISC */
/* A plan as a zone file (RFC 1035 5), or as JSON. */
#include <stdlib.h>
#include <string.h>

#include "ctl/dns.h"
#include "ctl/json.h"

#define STRING_MAX 255 /* octets of a character-string */
#define NAME_WIDTH 40

/* Text as character-strings: no longer than they may be, quoted, '"' and "\" escaped. */
static void
print_text(const char *text, FILE *out)
{
	size_t column = 0;

	fputc('"', out);
	for (; *text != '\0'; text++) {
		if (column++ == STRING_MAX) {
			fputs("\" \"", out);
			column = 1;
		}
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void
print_entry(const struct dns_entry *entry, FILE *out)
{
	char name[HOST_NAME_SIZE + 1];

	snprintf(name, sizeof(name), "%s.", entry->name);
	fprintf(out, "%-*s IN %-5s ", NAME_WIDTH, name, entry->type);
	if (strcmp(entry->type, "TXT") == 0)
		print_text(entry->value, out);
	else
		fputs(entry->value, out);
	fputc('\n', out);
}

/* What can't be said in a record. */
static void
print_remark(const struct dns_facts *facts, enum dns_subject subject, FILE *out)
{
	bool next = false;

	for (size_t i = 0; i < facts->key_count; i++)
		next = next || facts->keys[i].next;
	if (subject == DNS_HOST && facts->address_count == 0)
		fputs("; This host has no public address of its own: name it with --address.\n",
		      out);
	else if (subject == DNS_SPF && facts->smart_host[0] != '\0')
		fputs("; The smart host's owner says what belongs there for it, often an "
		      "include:.\n",
		      out);
	else if (subject == DNS_DKIM && facts->selector_count == 0)
		fputs("; There is no key yet: posternctl dkim create makes one.\n", out);
	else if (subject == DNS_DANE && facts->key_count == 0)
		fputs("; There is no certificate yet.\n", out);
	else if (subject == DNS_DANE && next)
		fputs("; The last ones are of keys that wait for their certificates.\n", out);
}

static void
print_files(const struct dns_facts *facts, FILE *out)
{
	fputs("\n; Files for a web server of the domain's (posternctl dns --file NAME DOMAIN)\n",
	      out);
	for (const struct dns_file *file = dns_files; file->name != NULL; file++) {
		fprintf(out, "; %-12s ", file->name);
		for (const char *c = file->url; *c != '\0'; c++) {
			if (c[0] == '%' && c[1] == 's') {
				fputs(facts->domain, out);
				c++;
			} else {
				fputc(*c, out);
			}
		}
		fprintf(out, "  %s\n", file->about);
	}
	fputs("; Each of those names needs the address of that web server, and a certificate.\n",
	      out);
	fputs("\n; Only these authorities may issue certificates (CAA, RFC 8659), for example:\n",
	      out);
	fprintf(out, "; %s. IN CAA 0 issue \"letsencrypt.org\"\n", facts->hostname);
}

void
dns_print_zone(const struct dns_facts *facts, const struct dns_plan *plan, FILE *out)
{

	for (enum dns_subject subject = 0; subject < DNS_SUBJECTS; subject++) {
		fprintf(out, "%s; %s\n", subject > 0 ? "\n" : "", dns_subject_title(subject));
		for (size_t i = 0; i < plan->count; i++) {
			if (plan->list[i].subject == subject)
				print_entry(&plan->list[i], out);
		}
		print_remark(facts, subject, out);
	}
	print_files(facts, out);
}

void
dns_print_json(const struct dns_facts *facts, const struct dns_plan *plan, FILE *out)
{
	static const char *const words[DNS_SUBJECTS] = {
	    "delivery", "host", "spf", "dkim", "dmarc", "dane", "mta-sts", "tls-rpt", "clients"};
	struct json json = json_start(out);

	json_object(&json, NULL);
	json_string(&json, "domain", facts->domain);
	json_string(&json, "hostname", facts->hostname);
	json_array(&json, "records");
	for (size_t i = 0; i < plan->count; i++) {
		const struct dns_entry *entry = &plan->list[i];

		json_object(&json, NULL);
		json_string(&json, "subject", words[entry->subject]);
		json_string(&json, "name", entry->name);
		json_string(&json, "type", entry->type);
		json_string(&json, "value", entry->value);
		json_bool(&json, "required", dns_subject_is_required(entry->subject));
		json_end(&json);
	}
	json_end(&json);
	json_object(&json, "files");
	for (const struct dns_file *file = dns_files; file->name != NULL; file++) {
		char *text = file->text(facts);

		json_string(&json, file->name, text != NULL ? text : "");
		free(text);
	}
	json_end(&json);
	json_end(&json);
}
