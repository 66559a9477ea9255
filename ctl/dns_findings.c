/* SPDX-License-Identifier: ISC */
#include "ctl/dns_findings.h"

#include "ctl/json.h"

size_t
dns_findings_wrong(const struct dns_findings *findings)
{
	size_t wrong = findings->no_address ? 1 : 0;

	for (size_t i = 0; i < findings->count; i++)
		wrong += dns_finding_is_wrong(&findings->list[i]);
	return wrong;
}

void
dns_findings_print(const struct dns_findings *findings, const struct dns_facts *facts, FILE *out)
{
	for (size_t i = 0; i < findings->count; i++) {
		const struct dns_finding *finding = &findings->list[i];
		const struct dns_entry *entry = finding->entry;

		fprintf(out, "%-9s %s %s %s", dns_finding_word(finding->kind), entry->name,
			entry->type, finding->value);
		if (finding->kind == DNS_DIFFERENT)
			fprintf(out, "\n          should be %s", entry->value);
		else if (finding->kind == DNS_MISSING && !dns_finding_is_wrong(finding))
			fprintf(out, "  (it would help)");
		putc('\n', out);
	}
	if (findings->no_address)
		fprintf(out, "%-9s %s has no address\n", dns_finding_word(DNS_MISSING),
			facts->hostname);
	fprintf(out, "%zu wrong\n", dns_findings_wrong(findings));
}

void
dns_findings_print_json(const struct dns_findings *findings, const struct dns_facts *facts,
			FILE *out)
{
	struct json json = json_start(out);

	json_object(&json, NULL);
	json_string(&json, "domain", facts->domain);
	json_array(&json, "findings");
	for (size_t i = 0; i < findings->count; i++) {
		const struct dns_finding *finding = &findings->list[i];

		json_object(&json, NULL);
		json_string(&json, "finding", dns_finding_word(finding->kind));
		json_bool(&json, "wrong", dns_finding_is_wrong(finding));
		json_string(&json, "name", finding->entry->name);
		json_string(&json, "type", finding->entry->type);
		if (finding->kind == DNS_MISSING || finding->kind == DNS_UNKNOWN)
			json_null(&json, "found");
		else
			json_string(&json, "found", finding->value);
		if (finding->kind == DNS_SURPLUS)
			json_null(&json, "wanted");
		else
			json_string(&json, "wanted", finding->entry->value);
		json_end(&json);
	}
	json_end(&json);
	json_number(&json, "wrong", (int64_t)dns_findings_wrong(findings));
	json_end(&json);
}
