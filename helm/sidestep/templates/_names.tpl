{{- define "sidestep.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Short enough for every suffix; what is cut off is told apart by a hash. */}}
{{- define "sidestep.fullname" -}}
{{- $full := printf "%s-%s" .Release.Name (include "sidestep.name" .) -}}
{{- if contains (include "sidestep.name" .) .Release.Name -}}
{{- $full = .Release.Name -}}
{{- end -}}
{{- $full = default $full .Values.fullnameOverride -}}
{{- if gt (len $full) 42 -}}
{{- printf "%s-%s" (trunc 33 $full | trimSuffix "-") (sha256sum $full | trunc 8) -}}
{{- else -}}
{{- $full -}}
{{- end -}}
{{- end -}}

{{- define "sidestep.injector" -}}
{{- include "sidestep.fullname" . -}}-injector
{{- end -}}

{{- define "sidestep.gateway" -}}
{{- include "sidestep.fullname" . -}}-gateway
{{- end -}}

{{/* Names of objects without a namespace: two releases of the same name in two namespaces stay apart. */}}
{{- define "sidestep.clusterName" -}}
{{- $full := printf "%s-%s" (include "sidestep.fullname" .) .Release.Namespace -}}
{{- if gt (len $full) 52 -}}
{{- printf "%s-%s" (trunc 43 $full | trimSuffix "-") (sha256sum $full | trunc 8) -}}
{{- else -}}
{{- $full -}}
{{- end -}}
{{- end -}}

{{/* What injects: one in a cluster for each revision, so that a second release is refused by its name. */}}
{{- define "sidestep.admission" -}}
sidestep-inject{{ with .Values.injector.revision }}-{{ . }}{{ end }}
{{- end -}}

{{/* By mode, for Helm does not take over what cert-manager made, nor the other way round. */}}
{{- define "sidestep.certificateSecret" -}}
{{- $suffix := ternary "tls" "cert-manager-tls" (eq .Values.webhook.certificate.mode "self") -}}
{{- default (printf "%s-%s" (include "sidestep.injector" .) $suffix) .Values.webhook.certificate.secretName -}}
{{- end -}}

{{- define "sidestep.selectorLabels" -}}
app.kubernetes.io/name: {{ include "sidestep.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "sidestep.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "sidestep.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: sidestep
{{- end -}}

{{/* What pods carry. Not the chart's version: it must not restart anything. */}}
{{- define "sidestep.podLabels" -}}
{{ include "sidestep.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: sidestep
{{- end -}}

{{- define "sidestep.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}
