{{/* What `sidestep inject` reads. */}}
{{- define "sidestep.settings" -}}
namespace: {{ .Release.Namespace }}
listen: {{ include "sidestep.bind" (dict "root" . "port" .Values.injector.port) | quote }}
admin_listen: {{ include "sidestep.bind" (dict "root" . "port" .Values.injector.adminPort) | quote }}
certificate:
{{- if eq .Values.webhook.certificate.mode "self" }}
  mode: self
  service: {{ include "sidestep.injector" . }}
  secret: {{ include "sidestep.certificateSecret" . }}
  lease: {{ include "sidestep.injector" . }}
  webhook: {{ include "sidestep.admission" . }}
{{- else }}
  mode: files
  folder: /var/run/secrets/sidestep-inject
{{- end }}
events: {{ .Values.injector.events }}
log:
  level: {{ .Values.injector.logLevel | quote }}
  format: {{ .Values.injector.logFormat }}
sidecar:
  image: {{ include "sidestep.image" . | quote }}
  pull_policy: {{ .Values.image.pullPolicy }}
  native: {{ include "sidestep.native" . }}
  {{- with include "sidestep.configMap" . }}
  config: {{ . }}
  {{- end }}
  {{- if ne .Values.keys.secretName "-" }}
  keys_secret: {{ .Values.keys.secretName }}
  {{- end }}
  resources:
    requests: {{ include "sidestep.quantities" .Values.sidecar.resources.requests }}
    limits: {{ include "sidestep.quantities" .Values.sidecar.resources.limits }}
  guaranteed: {{ include "sidestep.quantities" .Values.sidecar.guaranteed }}
  placeholder_keys: {{ .Values.sidecar.placeholderKeys }}
  run_as_user: {{ if kindIs "invalid" .Values.sidecar.runAsUser }}null{{ else }}{{ int64 .Values.sidecar.runAsUser }}{{ end }}
  admin_host: {{ .Values.bindHost | quote }}
  {{- with .Values.sidecar.logLevel }}
  log_level: {{ . | quote }}
  {{- end }}
{{- end -}}

{{/* `cpu: 1` is a number to YAML, and a text to the injector. */}}
{{- define "sidestep.quantities" -}}
{{- $texts := dict -}}
{{- range $resource, $quantity := . -}}
{{- $_ := set $texts $resource (toString $quantity) -}}
{{- end -}}
{{- toJson $texts -}}
{{- end -}}
