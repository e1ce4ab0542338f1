{{/*
Pieces of CEL for the policies: what the webhook decides and makes, said again. tests/chart holds the two together.
*/}}

{{/* What each vendor's SDKs and the common frameworks read, in this order: deploy/inject/src/variables.rs. */}}
{{- define "sidestep.vendors" -}}
- { urls: [OPENAI_BASE_URL, OPENAI_API_BASE], path: /v1, keys: [OPENAI_API_KEY] }
- { urls: [ANTHROPIC_BASE_URL, ANTHROPIC_API_URL, ANTHROPIC_API_BASE], path: "", keys: [ANTHROPIC_API_KEY, ANTHROPIC_AUTH_TOKEN] }
- { urls: [XAI_API_BASE], path: /v1, keys: [XAI_API_KEY] }
{{- end -}}

{{/* Whether an earlier call gave container `c` what it lacked then. */}}
{{- define "sidestep.provided" -}}
{{- $vendors := list -}}
{{- range include "sidestep.vendors" . | fromYamlArray -}}
{{- $vendors = append $vendors (printf "(e.name in ['%s'] && has(e.value) && e.value == 'http://127.0.0.1:6180%s')" (join "', '" .urls) .path) -}}
{{- end -}}
(has(c.env) && c.env.exists(e, {{ join " || " $vendors }}))
{{- end -}}

{{/* The variables that container `c` lacks, as a list: dict "root" $ "of" "containers" */}}
{{- define "sidestep.lacking" -}}
{{- $variable := printf "Object.spec.%s.env" .of -}}
{{- $vendors := list -}}
{{- range $vendor := include "sidestep.vendors" .root | fromYamlArray -}}
{{- $add := list -}}
{{- range $vendor.urls -}}
{{- $add = append $add (printf "%s{name: '%s', value: 'http://127.0.0.1:6180%s'}" $variable . $vendor.path) -}}
{{- end -}}
{{- $added := printf "[%s]" (join ", " $add) -}}
{{- if $.root.Values.sidecar.placeholderKeys -}}
{{- $unkeyed := printf "!has(c.envFrom) && !(has(c.env) && c.env.exists(e, e.name in ['%s']))" (join "', '" .keys) -}}
{{- $added = printf "%s + (%s ? [%s{name: '%s', value: 'provided-by-sidestep'}] : [])" $added $unkeyed $variable (first .keys) -}}
{{- end -}}
{{- $vendors = append $vendors (printf "(has(c.env) && c.env.exists(e, e.name in ['%s']) ? [] : %s)" (join "', '" .urls) $added) -}}
{{- end -}}
{{- join "\n+ " $vendors -}}
{{- end -}}

{{/* An annotation of the pod, or else this: dict "name" "image" "else" "..." */}}
{{- define "sidestep.asked" -}}
'sidestep.dev/{{ .name }}' in variables.annotations ? variables.annotations['sidestep.dev/{{ .name }}'] : '{{ .else }}'
{{- end -}}

{{/* Whether a pod runs where the sidecar can: each entry a name and an expression. */}}
{{- define "sidestep.conditions" -}}
- name: asked-for
  expression: >-
    !has(object.metadata.labels) || !('sidestep.dev/inject' in object.metadata.labels)
    || object.metadata.labels['sidestep.dev/inject'] == 'enabled'
- name: not-a-mirror-of-a-static-pod
  expression: >-
    !has(object.metadata.annotations) || !('kubernetes.io/config.mirror' in object.metadata.annotations)
{{- end -}}
