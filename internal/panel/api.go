package panel

import (
	"net/http"
)

// apiPrefix begins every address of the API.
const apiPrefix = "/api/"

func (p *Panel) apiRoutes(*http.ServeMux) {}

func writeProblem(w http.ResponseWriter, problem *Problem) {
	http.Error(w, problem.What, problem.Status)
}
