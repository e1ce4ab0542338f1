{{/*
Who is injected. Both kinds of opting in come in two halves, what the namespace says and what the pod says, and no pod
is in both kinds. The same halves serve the webhooks and the policies.
*/}}

{{/* Not ours, not the control plane's, not what was excluded: matchExpressions of a namespaceSelector. */}}
{{- define "sidestep.otherNamespaces" -}}
- key: kubernetes.io/metadata.name
  operator: NotIn
  values:
    {{- concat (list "kube-system" .Release.Namespace) .Values.webhook.excludedNamespaces | uniq | toYaml | nindent 4 }}
{{- end -}}

{{/* Whether this release is the one: the label is absent, or names its revision. */}}
{{- define "sidestep.revision" -}}
- key: sidestep.dev/revision
{{- if .Values.injector.revision }}
  operator: In
  values: [{{ .Values.injector.revision | quote }}]
{{- else }}
  operator: DoesNotExist
{{- end }}
{{- end -}}

{{/* A pod that has the label itself. Its namespace need not say anything, but can forbid it. */}}
{{- define "sidestep.selectPods" -}}
namespaceSelector:
  matchExpressions:
    {{- include "sidestep.otherNamespaces" . | nindent 4 }}
    - key: sidestep.dev/inject
      operator: NotIn
      values: [disabled]
objectSelector:
  matchExpressions:
    - key: sidestep.dev/inject
      operator: In
      values: [enabled]
    {{- include "sidestep.revision" . | nindent 4 }}
{{- end -}}

{{/* A pod without the label, in a namespace that has it. */}}
{{- define "sidestep.selectNamespaces" -}}
namespaceSelector:
  matchExpressions:
    {{- include "sidestep.otherNamespaces" . | nindent 4 }}
    - key: sidestep.dev/inject
      operator: In
      values: [enabled]
    {{- include "sidestep.revision" . | nindent 4 }}
objectSelector:
  matchExpressions:
    - key: sidestep.dev/inject
      operator: NotIn
      values: [enabled, disabled]
{{- end -}}
